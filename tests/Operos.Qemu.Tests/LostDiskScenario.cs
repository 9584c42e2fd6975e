using System.Text.Json;
using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>
/// A worker that gets another disk while it runs, and whose disk with containerd's and the kubelet's folders is pulled then; nobody does
/// anything about either.
/// </summary>
internal static class LostDiskScenario
{
    private const string FileOfNode = "/ephemeral.img", Added = "OPEROS-ADDED";

    /// <summary>
    /// A disk that is put in is in use by itself. For the lost one the controller drains the worker and reboots it; all of the controller
    /// is killed meanwhile, so nothing serves the worker's boot, which it waits out (the one by BIOS, which takes a minute less). The same
    /// machine comes back without the disk, its node's folders are on another one, and a pod finds what it wrote before. The controller
    /// goes on with its job; pods elsewhere run on, and all that was declared still is.
    /// </summary>
    public static async Task WorkerLosesTheDiskOfItsNodeWhileItsControllerRestartsAsync(Cluster cluster)
    {
        var kubectl = cluster.Kubectl;
        var pods = await SampleWorkload.PodsAsync(kubectl, cluster.Token);
        var machine = cluster.Workers.Single(machine => machine.Options.Firmware == Firmware.Bios);
        var worker = await BiosWorkerAsync(cluster);
        var elsewhere = pods.Single(pod => pod.Node != worker.Id).Pod;
        await cluster.CtlAsync("machines", "rename", worker.Id, "rack1-1");
        await cluster.UntilDisksAsync(worker.Id, "its disks are in use", disks => DiskScenarios.AreInUse(disks, "sata", "virtio"));
        await DiskScenarios.LeaveSomethingAsync(OnWorkerAsync, volumes: 1);
        await machine.PlugAsync(VirtualDisk.Blank(cluster.Folder, Added, Cluster.DiskBytes), cluster.Token);
        cluster.Tell("a blank disk is put in");
        await cluster.UntilDisksAsync(worker.Id, "it is in use", disks => disks.SingleOrDefault(disk => disk.Serial == Added)
            is { Class: "ours", Uses: [{ Use: "volumes", MountedAt: not null, Encrypted: true }, { Use: "osd" }] });
        await cluster.ApplyAsync("keeper", Keeper(worker.Id));
        var (before, kept) = await KeptAsync(cluster, "");
        var kernelBoot = await KernelBootAsync();
        var lost = (await cluster.DisksAsync(worker.Id)).Single(disk => disk.Uses.Any(use => use.Use == "ephemeral"));

        machine.Withdraw(machine.Options.Disks.Single(disk => disk.Serial == lost.Serial));
        await OnWorkerAsync($"cd $(readlink -f /sys/block/{lost.Name}/device); "
            + "if test -e delete; then echo 1 > delete; else cd -P ..; echo 1 > remove; fi");
        cluster.Tell($"the {lost.Transport} disk {lost.Name} is pulled");
        // Read now: the last events may go with the controller, and the job stays.
        await cluster.UntilPrintedAsync("the controller reboots the worker for it",
            "lost the disk with containerd's and the kubelet's folders: it is drained and rebooted, job", "events", worker.Id);
        Assert.Contains("the controller (lost disk)", await cluster.CtlAsync("jobs", "--json"), StringComparison.Ordinal);
        await kubectl.WaitAsync(text => text == "true", cluster.Left, cluster.Token, "get", "node", worker.Id, "-o",
            "jsonpath={.spec.unschedulable}");
        await cluster.UntilAsync("the worker is on its way", status => !status.ReadyNodes.Contains(worker.Id));
        await cluster.CutControllersPowerAsync();
        await cluster.UntilAsync("the controller answers again", _ => true);
        await cluster.UntilWholeAsync("all is well again");
        var (after, found) = await KeptAsync(cluster, before);
        Assert.NotEqual(before, after);
        Assert.Equal(kept, found);
        Assert.NotEqual(kernelBoot, await KernelBootAsync());
        Assert.Contains("Ready", await cluster.CtlAsync("why", worker.Id), StringComparison.Ordinal);

        await cluster.UntilDisksAsync(worker.Id, "the other disks are in use, and the lost one is not listed",
            now => now.Count == 2 && now.All(disk => disk.Serial != lost.Serial
                && disk is { Class: "ours", Uses: [{ Use: "volumes", MountedAt: not null }, ..] }));
        worker = (await cluster.WorkersAsync()).Single(known => known.Id == worker.Id);
        await DiskScenarios.FoldersAreNewAsync(OnWorkerAsync, volumes: 1);
        Assert.Contains(FileOfNode, await OnWorkerAsync("losetup --noheadings --output BACK-FILE"), StringComparison.Ordinal);
        await SampleWorkload.AskAllAsync(kubectl, elsewhere, [.. pods.Select(pod => pod.Node)], cluster.Left, cluster.Token);
        const string restarts = "jsonpath={.status.containerStatuses[0].restartCount}";
        Assert.Equal("0", await kubectl.RunAsync(cluster.Token, "get", "pod", elsewhere, "-o", restarts));
        Assert.Contains("rack1-1", await cluster.CtlAsync("machines"), StringComparison.Ordinal);
        await cluster.UntilPrintedAsync("the job has ended", "rebooted, is back and takes pods again", "jobs");
        Assert.DoesNotContain("ALARM", await cluster.CtlAsync("status"), StringComparison.Ordinal);
        if (new Build().HasCeph) await RemoveDeadOsdAsync(cluster);

        Task<string> OnWorkerAsync(string command) => cluster.SshAsync(worker.Address!, command);

        Task<string> KernelBootAsync() =>
            kubectl.RunAsync(cluster.Token, "get", "node", worker.Id, "-o", "jsonpath={.status.nodeInfo.bootID}");
    }

    /// <summary>The one that boots faster.</summary>
    private static async Task<ClusterMachine> BiosWorkerAsync(Cluster cluster)
    {
        var found = new List<ClusterMachine>();
        foreach (var worker in await cluster.WorkersAsync())
            if (await cluster.SshAsync(worker.Address!, "test -d /sys/firmware/efi || echo bios") != "") found.Add(worker);
        return Assert.Single(found);
    }

    /// <summary>The OSD that was on the lost disk is an operator's to remove, once the machine's others are back.</summary>
    private static async Task RemoveDeadOsdAsync(Cluster cluster)
    {
        var dead = "";
        await cluster.UntilAsync("all OSDs are up but that of the lost disk", async () =>
        {
            using var list = JsonDocument.Parse(await cluster.CtlAsync("storage", "osd", "list", "--json"));
            List<JsonElement> down = [.. list.RootElement.GetProperty("osds").EnumerateArray()
                .Where(osd => osd.GetProperty("state").GetString() != "up")];
            if (down is [var one]) dead = $"{one.GetProperty("id").GetInt32()}";
            return (down.Count == 1, $"{list.RootElement}");
        });
        // What it had is copied to the machine's others; until then it may be refused.
        await cluster.CtlAsync("storage", "osd", "out", dead);
        await cluster.UntilAsync("it is removed", async () => (true, await cluster.CtlAsync("storage", "osd", "remove", dead, "--yes")));
    }

    /// <summary>The pod that runs, and what is in its volume.</summary>
    /// <param name="before">A pod that it is not.</param>
    private static async Task<(string Pod, string Kept)> KeptAsync(Cluster cluster, string before)
    {
        var pod = "";
        await cluster.Kubectl.WaitAsync(list => list.Split('\n').Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .FirstOrDefault(words => words is ["Running", var name] && name != before) is [_, { } running] && (pod = running).Length > 0,
            cluster.Left, cluster.Token, "get", "pods", "-l", "app=keeper", "--no-headers", "-o",
            "custom-columns=P:.status.phase,N:.metadata.name");
        var kept = await cluster.Kubectl.WaitAsync(text => Guid.TryParse(text, out _), cluster.Left, cluster.Token, "exec", pod, "--",
            "cat", "/data/kept");
        cluster.Tell($"{pod} has {kept.Trim()} in its volume");
        return (pod, kept);
    }

    /// <summary>What writes once into a volume of a worker's own.</summary>
    private static string Keeper(string node) => $$"""
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: {name: keeper}
        spec: { storageClassName: operos-local, accessModes: [ReadWriteOnce], resources: { requests: { storage: 100Mi } } }
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: keeper}
        spec:
          replicas: 1
          selector: {matchLabels: {app: keeper} }
          template:
            metadata: {labels: {app: keeper} }
            spec:
              automountServiceAccountToken: false
              terminationGracePeriodSeconds: 1
              nodeSelector: {kubernetes.io/hostname: {{node}} }
              containers:
              - name: keeper
                image: operos/sample:1
                imagePullPolicy: Never
                command: ["sh", "-c", "test -s /data/kept || cat /proc/sys/kernel/random/uuid > /data/kept; exec sleep 86400"]
                volumeMounts: [{name: data, mountPath: /data}]
              volumes:
              - {name: data, persistentVolumeClaim: {claimName: keeper} }

        """;
}
