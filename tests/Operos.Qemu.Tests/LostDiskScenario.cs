using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>A worker whose disk with containerd's and the kubelet's folders is pulled, and nobody does anything about it.</summary>
internal static class LostDiskScenario
{
    private const string FileOfNode = "/ephemeral.img";

    /// <summary>
    /// The controller drains the worker and reboots it; the same machine comes back without the disk, its node's folders are on the other
    /// one, and a pod finds on that what it wrote before. Pods elsewhere run on.
    /// </summary>
    public static async Task WorkerLosesTheDiskOfItsNodeAsync(Cluster cluster)
    {
        var kubectl = cluster.Kubectl;
        var pods = await SampleWorkload.PodsAsync(kubectl, cluster.Token);
        var (worker, machine) = (await PowerScenarios.BiosWorkerAsync(cluster), PowerScenarios.BiosMachine(cluster));
        var elsewhere = pods.Single(pod => pod.Node != worker.Id).Pod;
        await cluster.UntilDisksAsync(worker.Id, "its disks are in use", disks => DiskScenarios.AreInUse(disks, "sata", "virtio"));
        await DiskScenarios.LeaveSomethingAsync(cluster, worker.Address!);
        await cluster.ApplyAsync("keeper", Keeper(worker.Id));
        var (before, kept) = await KeptAsync(cluster, "");
        var disks = await cluster.DisksAsync(worker.Id);
        var lost = disks.Single(disk => disk.Uses.Any(use => use.Use == "ephemeral"));

        machine.Withdraw(machine.Options.Disks.Single(disk => disk.Serial == lost.Serial));
        await cluster.SshAsync(worker.Address!, $"cd $(readlink -f /sys/block/{lost.Name}/device); "
            + "if test -e delete; then echo 1 > delete; else cd -P ..; echo 1 > remove; fi");
        cluster.Tell($"the {lost.Transport} disk {lost.Name} is pulled");
        await cluster.UntilPrintedAsync("the controller reboots the worker for it", "it is drained and rebooted, job", "events", worker.Id);
        Assert.Contains("the controller (lost disk)", await cluster.CtlAsync("jobs", "--json"), StringComparison.Ordinal);
        await kubectl.WaitAsync(text => text == "true", cluster.Left, cluster.Token, "get", "node", worker.Id, "-o",
            "jsonpath={.spec.unschedulable}");
        await cluster.UntilAsync("the worker is on its way", status => !status.ReadyNodes.Contains(worker.Id));
        await cluster.UntilWholeAsync("the worker is Ready again");
        var (after, found) = await KeptAsync(cluster, before);
        Assert.NotEqual(before, after);
        Assert.Equal(kept, found);

        await cluster.UntilDisksAsync(worker.Id, "the other disk is in use, and the lost one is not listed",
            now => now is [{ Class: "ours", Uses: [{ Use: "volumes", MountedAt: not null }, ..] } one] && one.Serial != lost.Serial);
        var back = (await cluster.WorkersAsync()).Single(known => known.Id == worker.Id);
        await DiskScenarios.FoldersAreNewAsync(cluster, back.Address!);
        Assert.Contains(FileOfNode, await cluster.SshAsync(back.Address!, "losetup --noheadings --output BACK-FILE"),
            StringComparison.Ordinal);
        await SampleWorkload.AskAllAsync(kubectl, elsewhere, [.. pods.Select(pod => pod.Node)], cluster.Left, cluster.Token);
        const string restarts = "jsonpath={.status.containerStatuses[0].restartCount}";
        Assert.Equal("0", await kubectl.RunAsync(cluster.Token, "get", "pod", elsewhere, "-o", restarts));
        Assert.Contains("lost the disk with containerd's and the kubelet's folders: it is drained and rebooted",
            await cluster.CtlAsync("events", worker.Id), StringComparison.Ordinal);
        Assert.Contains("rebooted, is back and takes pods again", await cluster.CtlAsync("jobs"), StringComparison.Ordinal);
        Assert.DoesNotContain("ALARM", await cluster.CtlAsync("status"), StringComparison.Ordinal);
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
