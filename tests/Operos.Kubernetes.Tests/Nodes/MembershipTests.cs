using Operos.Lab;

namespace Operos.Kubernetes.Tests.Nodes;

/// <summary>A controller that was restored from before a machine joined does not know it: only an operator makes it leave.</summary>
[Collection(Cluster.Alone)]
public sealed class MembershipTests(Cluster cluster, ITestOutputHelper output) : ClusterTest(cluster, output)
{
    private const string Space = "membership", Agent = "operos-controller.service";

    [Fact]
    public async Task A_machine_that_the_registry_does_not_know_keeps_its_Node_and_its_pods_and_its_operator_is_told()
    {
        var two = await Cluster.IdOfAsync(Cluster.Two);
        await Cluster.ApplyAsync(SamplePods.Namespace(Space) + SamplePods.Pod(Space, "a", two));
        await SamplePods.RunAsync(Cluster, Space, 1);
        var before = await LookAsync(two);

        await Cluster.Controller.RunAsync("systemctl", ["stop", Agent], default);
        File.Move(Path.Combine(Cluster.MachineRecords, $"{two}.json"), Cluster.PathOf("older-registry.json"), overwrite: true);
        await Cluster.Controller.RunAsync("systemctl", ["start", Agent], default);
        await Cluster.UntilAsync("it waits, and its operator is told that its pods run on", async () =>
            (await Cluster.CtlAsync("machines", "list")).Contains($"it says that it is node {two}", StringComparison.Ordinal)
            && (await Cluster.Two.RunAsync("operos-worker", ["status"], default)).Contains("pods run on", StringComparison.Ordinal));
        await Cluster.UntilAsync("the status tells of a Node whose machine is not admitted", async () =>
            (await Cluster.CtlAsync("status")).Contains("no machine that is admitted", StringComparison.Ordinal));
        Assert.Equal(before, await LookAsync(two));
        // The agent that begins anew knows what it is, though nobody tells it: the firewall and new pods need it.
        await Cluster.CrashAsync(Cluster.Two, "operos-worker.service");
        await Cluster.ApplyAsync(SamplePods.Pod(Space, "b", two));
        await SamplePods.RunAsync(Cluster, Space, 2);

        await Cluster.ApproveAsync();
        await Cluster.WholeAsync();
        // Its console has told all of that in turn, and the last of it stands above its login prompt.
        await Cluster.UntilAsync("its console says that it is ready", async () =>
            (await Cluster.Two.RunAsync("cat", ["/etc/issue.d/operos.issue"], default))
            .StartsWith("operos-worker: ready: ", StringComparison.Ordinal));
        var console = await File.ReadAllTextAsync(Cluster.Two.ConsolePath);
        Assert.Matches("(?s)enrolled as .*node: [0-9]+ of [0-9]+ steps are done; waits for .*ready: .*not admitted: .*pods run on.*"
            + "enrolled as .*ready: ", console);
        Assert.Equal(before, await LookAsync(two));
        await Cluster.KubectlAsync($"delete namespace {Space} --wait=false");
    }

    /// <summary>What must stay as it is: the Node, the pod's containers, the services, the tables in the kernel.</summary>
    private async Task<string> LookAsync(string node)
    {
        const string Containers =
            "jsonpath={.metadata.uid} {.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}";
        var uid = await Cluster.KubectlAsync($"get node {node} -o jsonpath={{.metadata.uid}}");
        var pod = await Cluster.KubectlAsync(["-n", Space, "get", "pod", "a", "-o", Containers]);
        var services = await Cluster.Two.RunAsync(
            "systemctl", ["show", "--property=MainPID", "kubelet", "kube-proxy", "containerd"], default);
        var tables = await Cluster.Two.RunAsync("sh", ["-c", "nft list tables | grep operos | sort"], default);
        return $"{uid}\n{pod}\n{services}\n{tables}";
    }
}
