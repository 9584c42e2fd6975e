using System.Collections.Concurrent;
using System.Diagnostics;
using Operos.Kubernetes.Tests.Nodes;
using Operos.Lab;

namespace Operos.Kubernetes.Tests.ControlPlane;

/// <summary>
/// The controller's agent is killed, replaced by another file, and away for ten minutes, longer than a control plane waits before it moves
/// pods off a node that it does not hear of. What users have goes on: names, pods, policies; and what is new works where it needs no agent.
/// </summary>
[Collection(Cluster.Last)]
public sealed class AgentOutageTests(Cluster cluster, ITestOutputHelper output) : ClusterTest(cluster, output)
{
    private const string Agent = "operos-controller.service", Binary = "/usr/bin/operos-controller", Space = "outage";
    private const int MostAgain = 5;
    private static readonly TimeSpan Outage = TimeSpan.FromMinutes(10), Glance = TimeSpan.FromSeconds(2);
    private readonly ConcurrentQueue<string> unanswered = new();

    /// <summary>Lets friends in, and nobody else.</summary>
    private const string Policy = $$"""
        ---
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: { name: friends, namespace: {{Space}} }
        spec:
          podSelector: { matchLabels: { app: server } }
          ingress: [{ from: [{ podSelector: { matchLabels: { app: friend } } }], ports: [{ port: http }] }]

        """;

    [Fact]
    [Trait("stage", "patient")]
    public async Task Names_pods_and_policies_bear_an_agent_that_is_killed_replaced_and_away_for_ten_minutes()
    {
        var (one, two) = (await Cluster.IdOfAsync(Cluster.One), await Cluster.IdOfAsync(Cluster.Two));
        await Cluster.ApplyAsync(SamplePods.Namespace(Space) + Asks("friend", one, "server") + Asks("stranger", one, "refused")
            + SamplePods.Pod(Space, "server", two) + SamplePods.Service(Space, "server") + Policy);
        await SamplePods.RunAsync(Cluster, Space, 3);
        foreach (var pod in (string[])["friend", "stranger"])
            await Cluster.UntilAsync($"{pod} is answered as the policy says", async () =>
                (await Cluster.KubectlAsync($"-n {Space} logs {pod} --tail=3")).Split('\n', StringSplitOptions.RemoveEmptyEntries)
                    is { Length: 3 } last && last.All(line => line == "as it should be"));
        var service = await Cluster.KubectlAsync($"-n {Space} get service server -o jsonpath={{.spec.clusterIP}}");
        await Cluster.UntilAsync("the server has its name", async () => await LookUpAsync("server") == service);
        var before = await PodsAndNodesAsync();
        var lines = await LinesAsync();

        using var stop = new CancellationTokenSource();
        var asking = AskOnAsync(service, stop.Token);
        await KillAndReplaceAsync();
        var began = Stopwatch.GetTimestamp();
        await Cluster.Controller.RunAsync("systemctl", ["stop", Agent], default);
        try
        {
            await StartSomethingNewAsync(two);
            await Task.Delay(Outage - Stopwatch.GetElapsedTime(began), TestContext.Current.CancellationToken);
            Assert.Equal(before, await PodsAndNodesAsync());
            Assert.Equal("inactive", (await Cluster.Controller.RunAsync("systemctl", ["is-active", Agent], default, check: false)).Trim());
        }
        finally { await Cluster.Controller.RunAsync("systemctl", ["start", Agent], default); }

        var started = Stopwatch.GetTimestamp();
        try
        {
            await Cluster.WholeAsync();
            Output.WriteLine($"whole {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s after the agent was back");
            await Cluster.UntilAsync("what came meanwhile has its name", async () => await LookUpAsync("late") != "");
        }
        finally { await stop.CancelAsync(); }
        Output.WriteLine($"{await asking} questions for a name were answered");
        Assert.Empty(unanswered);
        Assert.Equal(before, await PodsAndNodesAsync());
        Assert.True(await LinesAsync() > lines + 2 * Outage.TotalSeconds / 10, "friend and stranger did not ask all the time");
        foreach (var pod in (string[])["friend", "stranger"])
            Assert.DoesNotContain("not ", await Cluster.KubectlAsync($"-n {Space} logs {pod}"), StringComparison.Ordinal);
        // They ask ever more seldom while nobody answers.
        await Cluster.UntilAsync("both workers are up", async () => (await Cluster.WorkersAsync()).All(worker => worker.State == "up"));
        Output.WriteLine($"both workers were up {Stopwatch.GetElapsedTime(started).TotalSeconds:0} s after the agent was back");
        await Cluster.KubectlAsync($"delete namespace {Space} --wait=false");
    }

    /// <summary>One agent after the other ends without a word; the last one is of another file, as an upgrade leaves it.</summary>
    private async Task KillAndReplaceAsync()
    {
        await Cluster.CrashAsync(Cluster.Controller, Agent);
        await Cluster.WholeAsync();
        await Cluster.Controller.RunAsync("sh", ["-c", $"cp {Binary} {Binary}.next && mv {Binary}.next {Binary}"], default);
        await Cluster.CrashAsync(Cluster.Controller, Agent);
        await Cluster.WholeAsync();
    }

    /// <summary>A pod that comes while there is no agent runs, and the policy holds for it.</summary>
    private async Task StartSomethingNewAsync(string node)
    {
        await Cluster.ApplyAsync(SamplePods.Pod(Space, "late", node) + SamplePods.Service(Space, "late"));
        await SamplePods.RunAsync(Cluster, Space, 4);
        Assert.Equal("refused", await SamplePods.AskAsync(Cluster, Space, "late", "server", 80));
        await Cluster.KubectlAsync($"-n {Space} label pod late app=friend --overwrite");
        await Cluster.UntilAsync("a friend that is new is let in",
            async () => await SamplePods.AskAsync(Cluster, Space, "late", "server", 80) == "server");
        await Cluster.KubectlAsync($"-n {Space} label pod late app=late --overwrite");
    }

    /// <summary>A pod that asks the server by its name again and again, and says whether the answer is what it should be.</summary>
    private static string Asks(string name, string node, string answer) => $$"""
        ---
        apiVersion: v1
        kind: Pod
        metadata: { name: {{name}}, namespace: {{Space}}, labels: { app: {{name}} } }
        spec:
          nodeName: {{node}}
          automountServiceAccountToken: false
          terminationGracePeriodSeconds: 1
          containers:
          - name: sample
            image: operos/sample:1
            imagePullPolicy: Never
            command:
            - sh
            - -c
            - |
              settled=
              ask() {
                printf 'GET /etc/hostname HTTP/1.0\r\n\r\n' | nc -w "$1" server 80 2> /dev/null | tail -n 1 | grep . || echo refused
              }
              while sleep 2; do
                got=$(ask 3)
                [ "$got" = {{answer}} ] || got=$(ask 9)
                if [ "$got" = {{answer}} ]; then echo "as it should be"; settled=1
                elif [ -n "$settled" ]; then echo "not {{answer}} but $got at $(date)"
                fi
              done

        """;

    /// <summary>Which pods run where since when, and since when which nodes are Ready.</summary>
    private async Task<string> PodsAndNodesAsync()
    {
        const string Of = "{.metadata.uid} {.status.podIP} {.status.containerStatuses[0].restartCount} "
            + "{.status.containerStatuses[0].state.running.startedAt}{\"\\n\"}";
        var pods = new List<string>();
        foreach (var pod in (string[])["friend", "stranger", "server"])
            pods.Add(await Cluster.KubectlAsync(["-n", Space, "get", "pod", pod, "-o", "jsonpath=" + Of]));
        const string Ready = "jsonpath={range .items[*]}{.metadata.uid} {.status.conditions[?(@.type==\"Ready\")].lastTransitionTime}"
            + "{\"\\n\"}{end}";
        return string.Join("", pods) + await Cluster.KubectlAsync(["get", "nodes", "--sort-by=.metadata.name", "-o", Ready]);
    }

    private async Task<int> LinesAsync() =>
        (await Cluster.KubectlAsync($"-n {Space} logs friend") + await Cluster.KubectlAsync($"-n {Space} logs stranger"))
        .Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;

    /// <summary>
    /// Asks for the server's name until it is told to stop; notes what was not answered, answers how often it asked. Whoever gets no answer
    /// asks once more, as pods do: a host on which guests run may have no time for a daemon for seconds.
    /// </summary>
    private async Task<int> AskOnAsync(string address, CancellationToken cancellationToken)
    {
        for (var (asked, again) = (0, 0); ; asked++)
        {
            if (await LookUpOrWhyAsync() is var first && first != address)
            {
                Output.WriteLine($"{DateTime.UtcNow:HH:mm:ss} asked again, since: {first}");
                if (await LookUpOrWhyAsync() is var second && second != address) unanswered.Enqueue($"{DateTime.UtcNow:HH:mm:ss} {second}");
                if (++again > MostAgain) unanswered.Enqueue($"{DateTime.UtcNow:HH:mm:ss} {again} of {asked} had to be asked again");
            }
            try { await Task.Delay(Glance, cancellationToken); }
            catch (OperationCanceledException) { return asked; }
        }
    }

    private async Task<string> LookUpOrWhyAsync()
    {
        try { return await LookUpAsync("server") is { Length: > 0 } found ? found : "no answer"; }
        catch (LabException e) { return e.Message; }
    }

    /// <summary>What is answered; dig says in lines of their own, which begin with ;;, that it had to ask again.</summary>
    private async Task<string> LookUpAsync(string service)
    {
        var said = await Cluster.Network.RunAsync("dig",
            [$"@{NativeController.Address}", "+short", "+time=2", "+tries=3", $"{service}.{Space}.svc.cluster.local", "A"], default);
        var lines = said.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        foreach (var line in lines.Where(line => line.StartsWith(";;", StringComparison.Ordinal))) Output.WriteLine(line);
        return string.Join(' ', lines.Where(line => !line.StartsWith(";;", StringComparison.Ordinal)));
    }
}
