using Operos.Lab;

namespace Operos.Kubernetes.Tests.Nodes;

/// <summary>Workers that joined by themselves, and their pods.</summary>
[Collection(Cluster.Alone)]
public sealed class PodTests(Cluster cluster, ITestOutputHelper output) : ClusterTest(cluster, output)
{
    private const string Space = "pods", Agent = "operos-worker.service";
    private static readonly string[] Daemons = ["kubelet.service", "kube-proxy.service", "containerd.service"];
    private static readonly string[] AgentSteps =
        ["firewall", "certificates", "configuration", "containerd", "images", "kubelet", "kube-proxy", "network", "policy"];

    [Fact]
    public async Task Pods_of_two_workers_talk_and_outlive_agent_and_daemons()
    {
        var (one, two) = (await Cluster.IdOfAsync(Cluster.One), await Cluster.IdOfAsync(Cluster.Two));
        await Cluster.UntilAsync("all steps of a worker are done", () => AreDoneAsync(one));
        await Cluster.ApplyAsync(SamplePods.Namespace(Space) + SamplePods.Pod(Space, "a", one) + SamplePods.Pod(Space, "b", two)
            + SamplePods.Service(Space, "b"));
        var clock = System.Diagnostics.Stopwatch.StartNew();
        await SamplePods.RunAsync(Cluster, Space, 2);
        Output.WriteLine($"two pods ran after {clock.Elapsed.TotalSeconds:0.0} s");
        // Logs and exec pass the kubelet's serving certificate.
        await Cluster.KubectlAsync($"-n {Space} logs a");
        var b = await SamplePods.AddressAsync(Cluster, Space, "b");
        var service = await Cluster.KubectlAsync($"-n {Space} get service b -o jsonpath={{.spec.clusterIP}}");
        await Cluster.UntilAsync("a reaches b", () => ReachesAsync(b, SamplePods.Port));
        Assert.Equal("b", await SamplePods.AskAsync(Cluster, Space, "a", service, 80));
        await Cluster.UntilAsync("a reaches b by the service's name", () => ReachesAsync("b", 80));

        var before = await ProcessesAsync(Cluster.One);
        await Cluster.CrashAsync(Cluster.One, Agent);
        await Cluster.UntilAsync("the agent is back", async () => await IsActiveAsync(Agent) && await AreDoneAsync(one));
        Assert.Equal(before, await ProcessesAsync(Cluster.One));

        // A daemon that dies is another process soon, and no pod notices.
        var tasks = await TasksAsync(Cluster.One);
        foreach (var unit in Daemons) await Cluster.CrashAsync(Cluster.One, unit);
        await Cluster.UntilAsync("a reaches b again", () => ReachesAsync("b", 80));
        await Cluster.UntilAsync("all steps are done again", () => AreDoneAsync(one));
        Assert.Equal(tasks, await TasksAsync(Cluster.One));

        // The bus by which the agent asks systemd dies as well, and what somebody stopped is started all the same.
        await Cluster.One.RunAsync("systemctl", ["kill", "--signal=KILL", "dbus.service"], default);
        await Cluster.One.RunAsync("systemctl", ["stop", "kubelet.service"], default);
        await Cluster.UntilAsync("the agent starts the kubelet", () => IsActiveAsync("kubelet.service"));
        const string Restarts = "jsonpath={.items[*].status.containerStatuses[0].restartCount}";
        Assert.Equal("0 0", await Cluster.KubectlAsync($"-n {Space} get pods -o {Restarts}"));
        await Cluster.WholeAsync();
        await Cluster.KubectlAsync($"delete namespace {Space} --wait=false");
    }

    private async Task<bool> ReachesAsync(string host, int port) => await SamplePods.AskAsync(Cluster, Space, "a", host, port) == "b";

    private async Task<bool> IsActiveAsync(string unit) =>
        (await Cluster.One.RunAsync("systemctl", ["is-active", unit], default, check: false)).Trim() == "active";

    private async Task<bool> AreDoneAsync(string id)
    {
        using var json = System.Text.Json.JsonDocument.Parse(await Cluster.CtlAsync("why", id, "--json"));
        var steps = json.RootElement.GetProperty("steps").EnumerateArray()
            .ToDictionary(step => step.GetProperty("name").GetString()!, step => step.GetProperty("done").GetBoolean());
        return AgentSteps.All(steps.ContainsKey) && steps.Values.All(done => done);
    }

    /// <summary>What the agent's end must not touch.</summary>
    private static async Task<string> ProcessesAsync(NativeMachine worker) =>
        await worker.RunAsync("systemctl", ["show", "--property=MainPID,NRestarts", .. Daemons], default) + await TasksAsync(worker);

    /// <summary>
    /// The processes of this test's pods, whose ids containerd lists in any order. Pods of a test before this one may still be ending.
    /// </summary>
    private static async Task<string> TasksAsync(NativeMachine worker)
    {
        const string Script = """
            ids=$(ctr -n k8s.io containers list --quiet 'labels."io.kubernetes.pod.namespace"==SPACE')
            ctr -n k8s.io tasks list | grep --fixed-strings "$ids" | sort
            """;
        var tasks = await worker.RunAsync("sh", ["-c", Script.Replace("SPACE", Space, StringComparison.Ordinal)], default);
        // The pod's sandbox and its container.
        Assert.Equal(2, tasks.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        return tasks;
    }
}
