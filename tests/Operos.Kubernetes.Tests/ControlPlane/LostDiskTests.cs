using System.Diagnostics;
using System.Text;
using Operos.Kubernetes.Tests.Nodes;

namespace Operos.Kubernetes.Tests.ControlPlane;

/// <summary>The controller's disk is lost, and a backup is all that there is.</summary>
[Collection(Cluster.Alone)]
public sealed class LostDiskTests(Cluster cluster, ITestOutputHelper output) : ClusterTest(cluster, output)
{
    private const string Space = "lost-disk";

    [Fact]
    public async Task A_controller_on_a_blank_disk_serves_again_from_a_backup_and_its_workers_come_back_by_themselves()
    {
        var worker = await Cluster.IdOfAsync(Cluster.One);
        await Cluster.ApplyAsync(SamplePods.Namespace(Space) + SamplePods.Pod(Space, "before", worker));
        await Cluster.KubectlAsync($"-n {Space} create secret generic word --from-literal=key=value");
        await SamplePods.RunAsync(Cluster, Space, 1);
        var pod = await Cluster.KubectlAsync($"-n {Space} get pod before -o jsonpath={{.metadata.uid}}");

        var clock = Stopwatch.StartNew();
        await Cluster.CtlAsync("backup", "create");
        await Cluster.CtlAsync("backup", "verify");
        var (copy, secret) = (Cluster.PathOf("backup.age"), Cluster.PathOf("backup.secret"));
        await File.WriteAllTextAsync(secret, "a secret of this test\n");
        await Cluster.CtlAsync("backup", "copy", "--out", copy, "--passphrase-file", secret);
        Output.WriteLine($"backup made, verified and copied off in {clock.Elapsed.TotalSeconds:0.0} s: {new FileInfo(copy).Length} bytes");
        Assert.StartsWith("age-encryption.org/v1\n-> scrypt ", Encoding.Latin1.GetString(await File.ReadAllBytesAsync(copy)),
            StringComparison.Ordinal);
        // What comes later is lost; who watches must not take its revisions for what comes after the restore.
        for (var number = 0; number < 20; number++) await Cluster.KubectlAsync($"-n {Space} create configmap after-{number}");

        clock.Restart();
        await Cluster.ReplaceControllerAsync();
        await Cluster.UntilAsync("the blank controller has started", async () => (await Cluster.Controller.RunAsync("systemctl",
            ["is-system-running"], default, check: false)).Trim() is "running" or "degraded" or "starting");
        await File.WriteAllBytesAsync(Cluster.Controller.PathOf("/root/backup.age"), await File.ReadAllBytesAsync(copy));
        await File.WriteAllBytesAsync(Cluster.Controller.PathOf("/root/secret"), await File.ReadAllBytesAsync(secret));
        var told = await Cluster.Controller.RunAsync("operos-controller",
            ["restore", "/root/backup.age", "--passphrase-file", "/root/secret"], default);
        Assert.Contains("systemctl reboot", told, StringComparison.Ordinal);
        Output.WriteLine($"restored {clock.Elapsed.TotalSeconds:0.0} s after the new disk's power-on");
        await Cluster.RestartControllerAsync();
        await Cluster.UntilAsync("the API serves what was backed up", async () =>
            (await Cluster.KubectlAsync($"-n {Space} get configmap,pod,secret -o name")).Contains("pod/before", StringComparison.Ordinal));
        Output.WriteLine($"the API serves {clock.Elapsed.TotalSeconds:0.0} s after the new disk's power-on");
        Assert.DoesNotContain("after-", await Cluster.KubectlAsync($"-n {Space} get configmaps -o name"), StringComparison.Ordinal);
        Assert.Equal("dmFsdWU=", await Cluster.KubectlAsync($"-n {Space} get secret word -o jsonpath={{.data.key}}"));
        await Cluster.WholeAsync();
        Output.WriteLine($"all nodes Ready {clock.Elapsed.TotalSeconds:0.0} s after the new disk's power-on");

        // The pod went on, its node is the same machine, and kubelets hear of what is new.
        Assert.Equal(worker, await Cluster.IdOfAsync(Cluster.One));
        Assert.Equal(pod, await Cluster.KubectlAsync($"-n {Space} get pod before -o jsonpath={{.metadata.uid}}"));
        Assert.Equal("0", await Cluster.KubectlAsync(
            $"-n {Space} get pod before -o jsonpath={{.status.containerStatuses[0].restartCount}}"));
        await Cluster.ApplyAsync(SamplePods.Pod(Space, "new", worker));
        await SamplePods.RunAsync(Cluster, Space, 2);
        Output.WriteLine($"a new pod runs {clock.Elapsed.TotalSeconds:0.0} s after the new disk's power-on");
        // The journal is of both boots: what the restore said is there after the reboot.
        var journal = await Cluster.Controller.RunAsync("journalctl", ["--list-boots", "--no-pager"], default);
        Assert.True(journal.Trim().Split('\n').Count(line => line.Length > 0) >= 2, journal);
        await Cluster.KubectlAsync($"delete namespace {Space}");
    }
}
