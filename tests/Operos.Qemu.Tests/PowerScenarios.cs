using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>Machines that restart and lose power: what was declared and named outlives it.</summary>
internal static class PowerScenarios
{
    /// <summary>A machine whose first process crashes boots anew, where a frozen one would wait for somebody at its console.</summary>
    public static async Task CrashedMachineBootsAnewAsync(Cluster cluster)
    {
        var machine = BiosMachine(cluster);
        machine.Console.Mark();
        await cluster.SshAsync((await BiosWorkerAsync(cluster)).Address!, "kill -SEGV 1");
        await machine.Console.WaitForAsync("Loading http://", cluster.Left, cluster.Token);
    }

    /// <summary>The guest that is <see cref="BiosWorkerAsync"/>.</summary>
    public static VirtualMachine BiosMachine(Cluster cluster) =>
        cluster.Machines.Single(machine => machine != cluster.Controller && machine.Options.Firmware == Firmware.Bios);

    /// <summary>The one that boots faster.</summary>
    public static async Task<ClusterMachine> BiosWorkerAsync(Cluster cluster)
    {
        var found = new List<ClusterMachine>();
        foreach (var worker in await cluster.WorkersAsync())
            if (await cluster.SshAsync(worker.Address!, "test -d /sys/firmware/efi || echo bios") != "") found.Add(worker);
        return Assert.Single(found);
    }

    /// <summary>The workers' agents find their controller again by themselves.</summary>
    public static async Task ControllerLosesPowerAsync(Cluster cluster)
    {
        var before = await IdentitiesAsync();
        await cluster.CtlAsync("machines", "rename", before.First(machine => machine.Kind == "worker").Id, "rack1-1");
        await cluster.CutControllersPowerAsync();
        await cluster.UntilWholeAsync("all machines are up again");
        Assert.Equal(before, await IdentitiesAsync());
        Assert.Contains("rack1-1", await cluster.CtlAsync("machines"), StringComparison.Ordinal);

        async Task<IReadOnlyList<(string Id, string Kind)>> IdentitiesAsync() =>
            [.. (await cluster.ListAsync()).Select(machine => (machine.Id, machine.Kind)).Order()];
    }
}
