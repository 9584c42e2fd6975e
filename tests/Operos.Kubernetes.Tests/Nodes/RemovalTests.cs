using Operos.Lab;

namespace Operos.Kubernetes.Tests.Nodes;

/// <summary>A machine with pods leaves the cluster, and comes back as one that nobody knows.</summary>
[Collection(Cluster.Alone)]
public sealed class RemovalTests(Cluster cluster, ITestOutputHelper output) : ClusterTest(cluster, output)
{
    private const string Space = "removal", Ending = "ending", Controllers = "kube-controller-manager.service";

    /// <summary>
    /// What a machine must not keep: keys, the pod network, services, containers, tables and rules in the kernel; and the one word that is
    /// left.
    /// </summary>
    private const string Remains = """
        ls /run/operos/kubernetes/pki /etc/cni/net.d/10-operos.conflist 2>/dev/null
        ip route show proto 108
        systemctl is-active kubelet
        ctr -n k8s.io tasks list -q
        nft list tables | grep operos
        iptables-save | grep -E 'KUBE-|CNI-'
        ip6tables-save | grep -E 'KUBE-|CNI-'
        """;

    /// <summary>Both pods may run on one node.</summary>
    private const string Guarded = $$"""
        ---
        apiVersion: policy/v1beta1
        kind: PodDisruptionBudget
        metadata: { name: guard, namespace: {{Space}} }
        spec: { minAvailable: 2, selector: { matchLabels: { guarded: "yes" } } }
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: { name: guarded, namespace: {{Space}} }
        spec:
          replicas: 2
          selector: { matchLabels: { guarded: "yes" } }
          template:
            metadata: { labels: { guarded: "yes" } }
            spec:
              automountServiceAccountToken: false
              terminationGracePeriodSeconds: 1
              topologySpreadConstraints:
              - maxSkew: 1
                topologyKey: kubernetes.io/hostname
                whenUnsatisfiable: ScheduleAnyway
                labelSelector: { matchLabels: { guarded: "yes" } }
              containers:
              - { name: sample, image: "operos/sample:1", imagePullPolicy: Never, command: ["sleep", "86400"] }

        """;

    [Fact]
    public async Task A_machine_is_drained_with_respect_for_budgets_leaves_nothing_and_joins_again_when_it_is_let_in()
    {
        var (one, two) = (await Cluster.IdOfAsync(Cluster.One), await Cluster.IdOfAsync(Cluster.Two));
        await Cluster.ApplyAsync(SamplePods.Namespace(Ending) + SamplePods.Pod(Ending, "a", two)
            + "---\n" + SamplePods.Namespace(Space) + Guarded);
        await SamplePods.RunAsync(Cluster, Ending, 1);
        await Cluster.UntilAsync("a guarded pod runs on each worker", async () => (await NodesAsync()).ToHashSet().SetEquals([one, two]));
        const string Counted = $"-n {Space} get poddisruptionbudget guard -o jsonpath={{.status.currentHealthy}}";
        await Cluster.UntilAsync("the budget counts both", async () => await Cluster.KubectlAsync(Counted) == "2");

        var refused = await RefusedWhileANamespaceEndsAsync(two);
        Assert.Contains($"{Ending}/a", refused, StringComparison.Ordinal);
        Assert.Contains($"{Space}/guarded", refused, StringComparison.Ordinal);
        Assert.Contains("disruption budget", refused, StringComparison.Ordinal);
        Assert.Equal("true", await Cluster.KubectlAsync($"get node {two} -o jsonpath={{.spec.unschedulable}}"));
        Assert.Contains(two, await NodesAsync());

        await Cluster.KubectlAsync($"-n {Space} delete poddisruptionbudget guard");
        Assert.Contains("is removed", await RemoveAsync(two, seconds: 60), StringComparison.Ordinal);
        await Cluster.UntilAsync("both pods run on the other worker",
            async () => await NodesAsync() is var nodes && nodes.Count == 2 && nodes.All(node => node == one));
        await Cluster.UntilAsync("its Node is gone",
            async () => !(await Cluster.KubectlAsync("get nodes -o name")).Contains(two, StringComparison.Ordinal));
        // It asks to join again, and is nobody until an operator says so.
        await Cluster.UntilAsync("the machine left",
            async () => (await Cluster.Two.RunAsync("sh", ["-c", Remains], default, check: false)).Trim() == "inactive");

        await Cluster.ApproveAsync();
        await Cluster.WholeAsync();
        await Cluster.KubectlAsync($"delete namespace {Space} --wait=false");
    }

    /// <summary>The API server takes no eviction in a namespace that is being deleted; who deletes its pods is stopped meanwhile.</summary>
    private async Task<string> RefusedWhileANamespaceEndsAsync(string id)
    {
        await Cluster.Controller.RunAsync("systemctl", ["kill", "--signal=STOP", Controllers], default);
        try
        {
            await Cluster.KubectlAsync($"delete namespace {Ending} --wait=false");
            return (await Assert.ThrowsAsync<LabException>(() => RemoveAsync(id, seconds: 3))).Message;
        }
        finally { await Cluster.Controller.RunAsync("systemctl", ["kill", "--signal=CONT", Controllers], default); }
    }

    private Task<string> RemoveAsync(string id, int seconds) =>
        Cluster.CtlAsync("machines", "remove", id, "--yes", "--drain-seconds", $"{seconds}");

    /// <summary>The nodes of the pods that run and are not ending.</summary>
    private async Task<IReadOnlyList<string>> NodesAsync()
    {
        const string Columns = "custom-columns=P:.status.phase,D:.metadata.deletionTimestamp,N:.spec.nodeName";
        var table = await Cluster.KubectlAsync($"-n {Space} get pods --no-headers -o {Columns}");
        var pods = table.Split('\n').Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        return [.. pods.Where(words => words is ["Running", "<none>", _]).Select(words => words[2])];
    }
}
