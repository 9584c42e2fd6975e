using System.Text.Json;
using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>A controller booted from its own disk by real firmware: it serves, and it remembers after a power cut.</summary>
[Collection(Guests.Clusters)]
public sealed class ControllerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    public static bool IsWithoutKubernetes => !new Build().HasKubernetes;

    [Fact(SkipUnless = nameof(IsWithoutKubernetes), Skip = "ClusterTests does all of this, and more, where the layers have Kubernetes")]
    public async Task A_controller_boots_from_its_disk_boots_a_worker_and_keeps_it_over_a_power_cut()
    {
        var build = new Build();
        using var folder = LabFolder.Create(Path.Combine(build.Out, "test"), "ControllerDisk");
        var network = await LabNetwork.CreateAsync(folder, "10.77.0.2/24", default);
        var disk = await ControllerDisk.MakeAsync(build, folder, default);
        var machines = new List<VirtualMachine>();
        try
        {
            machines.Add(await VirtualMachine.StartAsync(disk.Machine, network, folder, default));
            await WaitAsync(list => list.Any(machine => machine is ("controller", "up", _)));
            machines.Add(await VirtualMachine.StartAsync(new VirtualMachineOptions { Name = "worker", Uuid = "5d0f8a44-6666-4c1c-9d6b-2f3d5a7b9c10", Nics = [new VirtualNic("52:54:00:aa:00:08")], YieldsToController = true }, network, folder, default));
            var (_, _, worker) = (await WaitAsync(list => list.Any(machine => machine is ("worker", "up", _)))).Single(machine => machine.Kind == "worker");

            // What the worker is told reaches it: the key lets its operator in, and its name is its UUID.
            using var shown = JsonDocument.Parse(await CtlAsync("machines", "show", worker, "--json"));
            var address = shown.RootElement.GetProperty("summary").GetProperty("address").GetString()!;
            Assert.Equal(worker, (await RetryAsync(() => disk.SshAsync(network, address, "hostname", default))).Trim());
            Assert.Equal("running", (await RetryAsync(() => disk.SshAsync(network, ControllerDisk.Address, "systemctl is-system-running --wait", default))).Trim());
            await CtlAsync("machines", "rename", worker, "rack1-1");

            machines[0].Dispose();
            machines[0] = await VirtualMachine.StartAsync(disk.Machine with { Name = "controller-again" }, network, folder, default);
            // The worker's agent finds its controller again by itself.
            await WaitAsync(list => list.Contains(("controller", "up", list.First(machine => machine.Kind == "controller").Id)) && list.Contains(("worker", "up", worker)));
            Assert.Contains("rack1-1", await CtlAsync("machines"), StringComparison.Ordinal);
        }
        catch (Exception e) { throw new LabException($"{e.Message}\n\n{string.Join("\n\n", machines.Select(machine => machine.Describe()))}\n{e.StackTrace}"); }
        finally { machines.ForEach(machine => machine.Dispose()); }

        Task<string> CtlAsync(params string[] arguments) => network.RunAsync(build.Binary("operosctl"), [.. arguments, "--timeout", "5", "--config", disk.Admin], default);

        async Task<IReadOnlyList<(string Kind, string State, string Id)>> WaitAsync(Func<IReadOnlyList<(string Kind, string State, string Id)>, bool> wanted)
        {
            for (var deadline = DateTime.UtcNow + Patience; ;)
            {
                string last;
                try
                {
                    using var json = JsonDocument.Parse(await CtlAsync("machines", "list", "--json"));
                    var list = json.RootElement.GetProperty("machines").EnumerateArray().Select(machine => (machine.GetProperty("kind").GetString()!, machine.GetProperty("state").GetString()!, machine.GetProperty("id").GetString()!)).ToList();
                    if (wanted(list)) return list;
                    last = json.RootElement.GetRawText();
                }
                catch (LabException e) { last = e.Message; }
                if (DateTime.UtcNow > deadline) throw new LabException($"the machines did not come up in {Patience.TotalMinutes:0} minutes; last: {last}");
                await Task.Delay(1000);
            }
        }
    }

    private static async Task<string> RetryAsync(Func<Task<string>> run)
    {
        for (var attempt = 0; ; attempt++)
        {
            try { return await run(); }
            catch (LabException) when (attempt < 30) { await Task.Delay(1000); }
        }
    }
}
