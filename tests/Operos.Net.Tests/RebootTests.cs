using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Operos.Lab;

namespace Operos.Net.Tests;

/// <summary>A rack whose machines are told to reboot, again and again, and one that boots without a word.</summary>
public sealed class RebootTests
{
    private const int Workers = 20, Rounds = 5;

    [Theory]
    [InlineData("auto")]
    [InlineData("approve")]
    public async Task Five_ordered_reboots_of_a_rack_alarm_nobody_and_nobody_waits(string readmission)
    {
        await using var service = await BootService.StartAsync("off", configuration: "[limits]\nsilence = \"1s\"\n");
        await ReconfigureAsync(service, readmission);
        var clock = Stopwatch.StartNew();
        var workers = Enumerable.Range(0, Workers).Select(number =>
            Worker.Start(service, $"worker-{number}", Worker.Machine(number), yields: true)).ToList();
        var machines = await BootsAsync(service, workers, 1);
        for (var round = 1; round <= Rounds; round++)
        {
            await Parallel.ForEachAsync(machines, new ParallelOptions { MaxDegreeOfParallelism = 4 },
                async (machine, token) => await service.Controller.CtlAsync(["machines", "reboot", machine, "--now"], token));
            Assert.Equal(machines, await BootsAsync(service, workers, round + 1));
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"rack: {Rounds} reboots of {Workers} workers under {readmission}: {clock.Elapsed.TotalSeconds:0.0} s"));
        Assert.Empty(await AlarmsAsync(service));
        Assert.DoesNotContain("ALARM", File.ReadAllText(service.Controller.LogPath), StringComparison.Ordinal);
        foreach (var worker in workers) Assert.DoesNotContain("not admitted", File.ReadAllText(worker.Log), StringComparison.Ordinal);

        // A power cut is not ordered.
        workers[0].Kill();
        Directory.Delete(workers[0].StateFolder, recursive: true);
        workers[0].Restart();
        if (readmission == "auto") await workers[0].SaysAsync("enrolled as", Rounds + 2);
        else await workers[0].SaysAsync("comes back by a boot that nobody ordered");
        var alarm = Assert.Single(await AlarmsAsync(service));
        Assert.Contains("that nobody ordered", alarm, StringComparison.Ordinal);
        Assert.Contains("operosctl machines resolve ", alarm, StringComparison.Ordinal);
    }

    [Fact]
    public async Task After_a_rack_s_power_cut_one_word_lets_in_all_that_are_what_they_were_and_nobody_else()
    {
        await using var service = await BootService.StartAsync("off", "approve", "[limits]\nsilence = \"1s\"\n");
        await ReconfigureAsync(service, "approve");
        var workers = Enumerable.Range(0, 4).Select(number => Worker.Start(service, $"cut-{number}", Worker.Machine(number))).ToList();
        foreach (var worker in workers) await worker.ReachAsync("waiting");
        var unconfirmed = await Assert.ThrowsAsync<LabException>(() => CtlAsync("machines approve --all"));
        Assert.Contains("add --yes", unconfirmed.Message, StringComparison.Ordinal);
        var shown = await CtlAsync("machines approve --all --yes");
        Assert.Equal(4, shown.Split("is approved").Length - 1);
        var machines = new List<string>();
        foreach (var worker in workers) machines.Add(await worker.BeUpAsync());
        Assert.Contains("no machine waits", await CtlAsync("machines resolve --returned --yes"), StringComparison.Ordinal);

        foreach (var worker in workers) worker.Kill();
        foreach (var worker in workers)
        {
            Directory.Delete(worker.StateFolder, recursive: true);
            worker.Restart();
        }
        // Somebody who has all of the first one's evidence.
        var impostor = Worker.Start(service, "impostor", Worker.Machine(0));
        foreach (var worker in workers.Append(impostor)) await worker.SaysAsync("comes back by a boot that nobody ordered");
        shown = await CtlAsync("machines resolve --returned --yes");
        foreach (var machine in machines.Skip(1)) Assert.Contains(machine, shown, StringComparison.Ordinal);
        Assert.DoesNotContain(machines[0], shown, StringComparison.Ordinal);
        foreach (var worker in workers.Skip(1)) Assert.Contains(await worker.BeUpAsync(), machines);
        Assert.Equal("down", await Worker.StateAsync(service, machines[0]));
        Assert.Equal(2, Assert.Single(await AlarmsAsync(service)).Split("operosctl machines resolve claim-").Length - 1);

        Task<string> CtlAsync(string line) => service.Controller.CtlAsync(line.Split(' '), default);
    }

    /// <summary>Waits until all have enrolled so often and are up; their ids, in their order.</summary>
    private static async Task<IReadOnlyList<string>> BootsAsync(BootService service, List<Worker> workers, int times)
    {
        var machines = new List<string>();
        foreach (var worker in workers)
        {
            await worker.SaysAsync("enrolled as", times);
            machines.Add(await worker.ReachAsync("enrolled"));
        }
        await Wait.UntilAsync($"all {Workers} are up", Worker.Soon,
            async () => (await service.Controller.WorkersAsync(default)).Count(machine => machine.State == "up") == Workers,
            service.Controller.LogPath);
        return machines;
    }

    private static async Task ReconfigureAsync(BootService service, string readmission)
    {
        var path = service.Controller.ConfigurationPath;
        var text = await File.ReadAllTextAsync(path);
        Assert.Contains("[cluster]\n", text, StringComparison.Ordinal);
        await File.WriteAllTextAsync(path, text.Replace("[cluster]\n", $"[cluster]\nreadmission = \"{readmission}\"\n",
            StringComparison.Ordinal));
        service.Controller.Kill();
        await service.Controller.RunAsync(default);
    }

    private static async Task<IReadOnlyList<string>> AlarmsAsync(BootService service)
    {
        using var status = JsonDocument.Parse(await service.Controller.CtlAsync(["status", "--json"], default));
        return [.. status.RootElement.GetProperty("alarms").EnumerateArray().Select(alarm => alarm.GetString()!)];
    }
}
