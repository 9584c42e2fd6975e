using System.Diagnostics;
using Operos.Lab;

namespace Operos.Kubernetes.Tests.ControlPlane;

/// <summary>Whatever dies or expires, it comes back by itself.</summary>
[Collection(Cluster.Alone)]
public sealed class RecoveryTests(Cluster cluster, ITestOutputHelper output) : ClusterTest(cluster, output)
{
    private const string Agent = "operos-controller.service";

    [Theory]
    [InlineData("etcd")]
    [InlineData("kube-apiserver")]
    [InlineData("kube-scheduler")]
    public async Task A_killed_component_comes_back_and_nothing_is_lost(string component)
    {
        await Cluster.KubectlAsync($"create configmap before-{component}");
        var started = Stopwatch.GetTimestamp();
        await Cluster.CrashAsync(Cluster.Controller, component + ".service");
        await Cluster.HealthyAsync();
        await Cluster.UntilAsync("what was written is there", async () => (await Cluster.KubectlAsync("get configmaps"))
            .Contains($"before-{component}", StringComparison.Ordinal));
        Output.WriteLine($"healthy {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s after the kill");
    }

    [Fact]
    public async Task A_killed_agent_leaves_the_API_running_and_the_next_one_watches_it_again()
    {
        var before = await Cluster.ProcessesAsync();
        var agent = await Cluster.Controller.ProcessOfAsync(Agent, default);
        await Cluster.Controller.KillAsync(Agent, default);
        Assert.Contains("kube-system", await Cluster.KubectlAsync("get namespaces"), StringComparison.Ordinal);
        await Cluster.UntilAsync("another agent runs",
            async () => await Cluster.Controller.ProcessOfAsync(Agent, default) is var now && now != 0 && now != agent);
        await Cluster.WholeAsync();
        Assert.Equal(before, await Cluster.ProcessesAsync());
        await Cluster.CrashAsync(Cluster.Controller, "kube-scheduler.service");
        await Cluster.HealthyAsync();
    }
}
