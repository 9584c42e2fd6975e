using System.Text.Json;

namespace Operos.Kubernetes.Tests.Nodes;

/// <summary>A worker is rebooted as an operator does it: its pods leave first, and come again when it is back.</summary>
[Collection(Cluster.Alone)]
public sealed class RebootTests(Cluster cluster, ITestOutputHelper output) : ClusterTest(cluster, output)
{
    private const string Space = "reboot";

    /// <summary>One pod that may not go while there is no other, and anywhere to go to.</summary>
    private const string Guarded = $$"""
        ---
        apiVersion: policy/v1beta1
        kind: PodDisruptionBudget
        metadata: { name: guard, namespace: {{Space}} }
        spec: { minAvailable: 1, selector: { matchLabels: { app: guarded } } }

        """;

    [Fact]
    public async Task A_worker_is_drained_rebooted_waited_for_and_opened_to_pods_again_and_is_rebooting_all_the_while()
    {
        var two = await Cluster.IdOfAsync(Cluster.Two);
        await Cluster.ApplyAsync(SamplePods.Namespace(Space) + SamplePods.Pod(Space, "guarded", two) + Guarded);
        await SamplePods.RunAsync(Cluster, Space, 1);
        await Cluster.UntilAsync("the budget counts the pod", async () =>
            await Cluster.KubectlAsync($"-n {Space} get poddisruptionbudget guard -o jsonpath={{.status.currentHealthy}}") == "1");

        // What comes to nothing leaves the machine as it was.
        var refused = await Assert.ThrowsAsync<Lab.LabException>(() => Cluster.CtlAsync("machines", "reboot", two, "--drain-seconds", "1"));
        Assert.Contains($"{Space}/guarded", refused.Message, StringComparison.Ordinal);
        Assert.Contains("it was not rebooted and is as it was", refused.Message, StringComparison.Ordinal);
        Assert.Equal("", await UnschedulableAsync(two));
        await Cluster.KubectlAsync($"-n {Space} delete poddisruptionbudget guard");

        var boot = await BootAsync(two);
        var reboot = Cluster.CtlAsync("machines", "reboot", two);
        await Cluster.UntilAsync("it is told to reboot", async () => await StateAsync(two) == "rebooting");
        Assert.Equal("true", await UnschedulableAsync(two));
        Assert.Contains("is rebooting: told by", await Cluster.CtlAsync("why", two), StringComparison.Ordinal);
        Assert.DoesNotContain(two, (await Cluster.StatusAsync()).ReadyNodes);
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        await Cluster.Two.BootAnewAsync(patience.Token);
        Assert.Contains("rebooted, is back and takes pods again", await reboot, StringComparison.Ordinal);
        Assert.NotEqual(boot, await BootAsync(two));
        Assert.Equal("", await UnschedulableAsync(two));
        Assert.Equal("", await Cluster.KubectlAsync($"-n {Space} get pods -o name"));
        Assert.Equal("up", await StateAsync(two));
        await Cluster.WholeAsync();
        await Cluster.KubectlAsync($"delete namespace {Space} --wait=false");
    }

    private async Task<string> StateAsync(string id)
    {
        using var shown = JsonDocument.Parse(await Cluster.CtlAsync("machines", "show", id, "--json"));
        return shown.RootElement.GetProperty("summary").GetProperty("state").GetString()!;
    }

    private Task<string> BootAsync(string id) => Cluster.KubectlAsync($"get node {id} -o jsonpath={{.status.nodeInfo.bootID}}");

    private Task<string> UnschedulableAsync(string id) => Cluster.KubectlAsync($"get node {id} -o jsonpath={{.spec.unschedulable}}");
}
