using System.Text.Json;

namespace Operos.Kubernetes.Tests.Nodes;

/// <summary>A worker is drained by a job, whatever becomes of the controller's agent meanwhile.</summary>
[Collection(Cluster.Alone)]
public sealed class DrainTests(Cluster cluster, ITestOutputHelper output) : ClusterTest(cluster, output)
{
    private const string Space = "drain", Agent = "operos-controller.service";

    private const string Guard = $$"""
        ---
        apiVersion: policy/v1beta1
        kind: PodDisruptionBudget
        metadata: { name: guard, namespace: {{Space}} }
        spec: { minAvailable: 1, selector: { matchLabels: { app: a } } }

        """;

    [Fact]
    public async Task A_drain_that_waits_for_a_budget_goes_on_after_the_agent_was_killed_and_is_one_however_often_it_is_asked_for()
    {
        var two = await Cluster.IdOfAsync(Cluster.Two);
        await Cluster.ApplyAsync(SamplePods.Namespace(Space) + SamplePods.Pod(Space, "a", two) + Guard);
        await SamplePods.RunAsync(Cluster, Space, 1);
        await Cluster.UntilAsync("the budget counts the pod", async () =>
            await Cluster.KubectlAsync($"-n {Space} get poddisruptionbudget guard -o jsonpath={{.status.currentHealthy}}") == "1");
        var job = (await DrainAsync(two)).Trim();
        Assert.Equal(job, (await DrainAsync(two)).Trim());
        await Cluster.UntilAsync("the job waits for the budget", async () => await ShownAsync(job) is ("running", var text)
            && text.Contains($"{Space}/a", StringComparison.Ordinal) && text.Contains("disruption budget", StringComparison.Ordinal));

        var agent = await Cluster.Controller.ProcessOfAsync(Agent, default);
        await Cluster.Controller.KillAsync(Agent, default);
        await Cluster.UntilAsync("another agent runs",
            async () => await Cluster.Controller.ProcessOfAsync(Agent, default) is var now && now != 0 && now != agent);
        await Cluster.UntilAsync("the job goes on in the next agent", async () => await ShownAsync(job) is ("running", var text)
            && text.Contains("disruption budget", StringComparison.Ordinal));
        Assert.Equal("Running", await Cluster.KubectlAsync($"-n {Space} get pod a -o jsonpath={{.status.phase}}"));

        var refused = await Assert.ThrowsAsync<Lab.LabException>(() => Cluster.CtlAsync("machines", "uncordon", two));
        Assert.Contains($"already: drain {job}, asked for by admin", refused.Message, StringComparison.Ordinal);

        await Cluster.KubectlAsync($"-n {Space} delete poddisruptionbudget guard");
        await Cluster.UntilAsync("the job is done", async () => (await ShownAsync(job)).State == "done");
        Assert.Equal("true", await UnschedulableAsync(two));
        Assert.Contains("takes pods again", await Cluster.CtlAsync("machines", "uncordon", two), StringComparison.Ordinal);
        Assert.Equal("", await UnschedulableAsync(two));
        Assert.Contains("takes no new pods", await Cluster.CtlAsync("machines", "cordon", two), StringComparison.Ordinal);
        Assert.Equal("true", await UnschedulableAsync(two));
        await Cluster.CtlAsync("machines", "uncordon", two);
        var audit = await Cluster.CtlAsync("audit");
        Assert.Contains($"machines drain machine={two}", audit, StringComparison.Ordinal);
        Assert.Contains($"job drain job={job} machine={two}", audit, StringComparison.Ordinal);
        await Cluster.WholeAsync();
        await Cluster.KubectlAsync($"delete namespace {Space} --wait=false");
    }

    private Task<string> DrainAsync(string id) => Cluster.CtlAsync("machines", "drain", id, "--drain-seconds", "300", "--no-wait");

    private async Task<(string State, string Text)> ShownAsync(string job)
    {
        using var shown = JsonDocument.Parse(await Cluster.CtlAsync("jobs", "show", job, "--json"));
        var found = shown.RootElement.GetProperty("job");
        return (found.GetProperty("state").GetString()!, found.GetProperty("text").GetString()!);
    }

    private Task<string> UnschedulableAsync(string id) => Cluster.KubectlAsync($"get node {id} -o jsonpath={{.spec.unschedulable}}");
}
