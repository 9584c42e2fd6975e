using System.Diagnostics;
using System.Globalization;
using Operos.Lab;

namespace Operos.Net.Tests;

/// <summary>A whole rack that gets its power back at one moment.</summary>
public sealed class RackTests
{
    private const int Hosts = 20, WorkersPerHost = 10, Workers = Hosts * WorkersPerHost;

    /// <summary>
    /// For each of the two ways up. An enrolment is on the disk before it is answered, and who has no answer within 15 s asks again: a busy
    /// host had 288 of them done after 90 s.
    /// </summary>
    private static readonly TimeSpan Budget = TimeSpan.FromMinutes(4);

    /// <summary>Longer than a worker's first few tries.</summary>
    private static readonly TimeSpan Outage = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task Two_hundred_workers_join_at_once_and_come_back_to_a_restarted_controller()
    {
        await using var service = await BootService.StartAsync("off");
        var hosts = new List<ClientHost> { service.Client };
        for (var number = 1; number < Hosts; number++) hosts.Add(await service.AddClientAsync(number));

        var clock = Stopwatch.StartNew();
        var workers = Enumerable.Range(0, Workers).Select(number =>
            Worker.Start(service, $"worker-{number}", Worker.Machine(number), hosts[number % Hosts], yields: true)).ToList();
        await AllUpAsync(service, workers);
        var joined = clock.Elapsed;
        var machines = await service.Controller.WorkersAsync(default);
        Assert.Equal(Workers, machines.Select(machine => machine.Id).Distinct().Count());
        Assert.Equal(Hosts, machines.Select(machine => machine.Address).Distinct().Count());

        service.Controller.Kill();
        // Some more than the workers: on a loaded machine a reply is late, and its worker asks again.
        var enrolments = Enrolments(service);
        await Task.Delay(Outage);
        clock.Restart();
        await service.Controller.RunAsync(default);
        await AllUpAsync(service, workers);
        var back = clock.Elapsed;

        var figures = string.Create(CultureInfo.InvariantCulture,
            $"{Workers} workers on {Hosts} addresses: all up {joined.TotalSeconds:0.0} s after the first started, all back "
            + $"{back.TotalSeconds:0.0} s after the controller started again; {enrolments} enrolments");
        await File.WriteAllTextAsync(service.Folder["figures"], figures + "\n");
        Console.WriteLine($"rack: {figures}");
        // Who has a certificate comes back with it: no enrolment of all at the worst moment.
        Assert.Equal(enrolments, Enrolments(service));
        Assert.True(workers.All(worker => worker.IsRunning), "a worker ended");
    }

    private static int Enrolments(BootService service) =>
        File.ReadLines(service.Controller.LogPath).Count(line => line.Contains(" enrolled from ", StringComparison.Ordinal));

    private static async Task AllUpAsync(BootService service, List<Worker> workers) =>
        await Wait.UntilAsync($"all {Workers} workers are up", Budget, async () =>
        {
            await Task.Delay(300);
            // The operator waits in the same queue as the rack, and asks again.
            try { return (await service.Controller.WorkersAsync(default)).Count(machine => machine.State == "up") == Workers; }
            catch (LabException) { return false; }
        }, service.Controller.LogPath, workers[0].Log, workers[^1].Log);
}
