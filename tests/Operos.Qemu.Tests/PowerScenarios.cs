using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>Machines that restart and lose power: what was declared and named outlives it.</summary>
internal static class PowerScenarios
{
    /// <summary>
    /// Nothing serves the worker's boot, which it waits out (the one by BIOS, which takes a minute less). It comes back as the same node,
    /// Ready by itself; pods elsewhere run on meanwhile, and all that was declared still is.
    /// </summary>
    public static async Task WorkerRestartsWhileItsControllerLosesPowerAsync(Cluster cluster)
    {
        var kubectl = cluster.Kubectl;
        var pods = await SampleWorkload.PodsAsync(kubectl, cluster.Token);
        var worker = await BiosWorkerAsync(cluster);
        var restarted = worker.Id;
        await cluster.UntilDisksAsync(restarted, "its disks are in use", AreInUse);
        await DiskScenarios.LeaveSomethingAsync(cluster, worker.Address!);
        var elsewhere = pods.Single(pod => pod.Node != restarted).Pod;
        await cluster.CtlAsync("machines", "rename", restarted, "rack1-1");
        var kernelBoot = await KernelBootAsync();
        Assert.Contains("reboots", await cluster.CtlAsync("machines", "reboot", restarted, "--now"), StringComparison.Ordinal);
        await cluster.UntilAsync("the worker that restarts is not Ready", status => !status.ReadyNodes.Contains(restarted));
        await cluster.CutControllersPowerAsync();
        await cluster.UntilAsync("the controller answers again", _ => true);
        await cluster.UntilWholeAsync("all is well again");
        Assert.NotEqual(kernelBoot, await KernelBootAsync());
        Assert.Contains("Ready", await cluster.CtlAsync("why", restarted), StringComparison.Ordinal);
        await cluster.UntilDisksAsync(restarted, "its disks are in use again", AreInUse);
        worker = (await cluster.WorkersAsync()).Single(machine => machine.Id == restarted);
        await DiskScenarios.OnlyVolumesAreKeptAsync(cluster, worker.Address!);
        await SampleWorkload.AskAllAsync(kubectl, elsewhere, [.. pods.Select(pod => pod.Node)], cluster.Left, cluster.Token);
        const string restarts = "jsonpath={.status.containerStatuses[0].restartCount}";
        Assert.Equal("0", await kubectl.RunAsync(cluster.Token, "get", "pod", elsewhere, "-o", restarts));
        Assert.Contains("rack1-1", await cluster.CtlAsync("machines"), StringComparison.Ordinal);

        static bool AreInUse(IReadOnlyList<ListedDisk> disks) => DiskScenarios.AreInUse(disks, "sata", "virtio");

        Task<string> KernelBootAsync() =>
            kubectl.RunAsync(cluster.Token, "get", "node", restarted, "-o", "jsonpath={.status.nodeInfo.bootID}");
    }

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
