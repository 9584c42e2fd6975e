using System.Diagnostics;
using k8s.Models;
using Operos.Lab;
using Operos.Policy;
using Operos.Policy.Cluster;
using Operos.Policy.Compiling;
using Operos.Policy.Nftables;
using Operos.Policy.Tests;

namespace Operos.Bench;

/// <summary>
/// A node with all of its 110 pods, in a cluster of 1,000 pods and 200 policies that all concern it. Runs in the bench's own network
/// namespace.
/// </summary>
internal static class PolicyBench
{
    private const int Pods = 1000, LocalPods = 110, Policies = 200, Namespaces = 20, Rounds = 20;
    private const string Node = "node-0";

    public static async Task<IEnumerable<Row>> RunAsync()
    {
        var (view, node) = (Cluster(), new NodeView(Node, ["10.10.0.0/24"]));
        List<double> compile = [], replace = [], change = [], whole = [];
        var ruleset = PolicyCompiler.Compile(view, node);
        for (var round = 0; round < Rounds; round++)
        {
            using var fresh = new RulesetApplier();
            var clock = Stopwatch.StartNew();
            ruleset = PolicyCompiler.Compile(view, node);
            compile.Add(clock.Elapsed.TotalMilliseconds);
            replace.Add((await fresh.ApplyAsync(ruleset, default)).Elapsed.TotalMilliseconds);
            // A pod is relabelled to what its namespace's policies ask for, or away from it.
            clock.Restart();
            view.Set(Pod(round, app: round % 10 == 9 ? 1 : round + 1));
            var applied = await fresh.ApplyAsync(PolicyCompiler.Compile(view, node), default);
            if (applied.IsReplacement || applied.Bytes == 0) throw new LabException("the pod's change was no small change");
            whole.Add(clock.Elapsed.TotalMilliseconds);
            change.Add(applied.Elapsed.TotalMilliseconds);
        }
        using var remover = new RulesetApplier();
        await remover.RemoveAsync(default);
        return
        [
            new Row($"policy, {Pods} pods, {Policies} policies", $"{ruleset.Size.Rules} rules", $"{ruleset.Size.Elements} elements"),
            new Row("policy, compile", $"{Median(compile):0.0} ms"),
            new Row("policy, whole table applied", $"{Median(replace):0} ms"),
            new Row("policy, one pod changes, in force", $"{Median(whole):0} ms", $"nft alone {Median(change):0}", "at most 100 ms",
                Median(whole) <= 100),
        ];
    }

    private static ClusterView Cluster()
    {
        var view = new ClusterView();
        view.ReplaceNamespaces(Enumerable.Range(0, Namespaces)
            .Select(i => new V1Namespace { Metadata = new V1ObjectMeta
            { Name = $"space-{i}", Labels = new Dictionary<string, string> { ["team"] = $"team-{i % 5}" } } }));
        view.ReplacePods(Enumerable.Range(0, Pods).Select(i => Pod(i, app: i / Namespaces)));
        view.ReplacePolicies(Enumerable.Range(0, Policies).Select(Policy));
        return view;
    }

    private static V1Pod Pod(int number, int app) => new()
    {
        Metadata = new V1ObjectMeta { Name = $"pod-{number}", NamespaceProperty = $"space-{number % Namespaces}",
            Labels = new Dictionary<string, string> { ["app"] = $"app-{app % 10}", ["tier"] = $"tier-{number % 3}" } },
        Spec = new V1PodSpec { NodeName = number < LocalPods ? Node : $"node-{1 + number / 200}",
            Containers = [new V1Container { Name = "main",
            Ports = [new V1ContainerPort { Name = "http", ContainerPort = 8000 + number % 4 }] }] },
        Status = new V1PodStatus { Phase = "Running", PodIPs = [
            new V1PodIP { Ip = number < LocalPods ? $"10.10.0.{number + 2}" : $"10.10.{1 + number / 200}.{number % 200 + 2}" }] },
    };

    /// <summary>Ten in each namespace: by label, by namespace, with named ports, ranges and blocks.</summary>
    private static V1NetworkPolicy Policy(int number)
    {
        V1LabelSelector App(int app) => new() { MatchLabels = new Dictionary<string, string> { ["app"] = $"app-{app % 10}" } };
        V1NetworkPolicyPeer[] peers =
        [
            new() { PodSelector = App(number + 1) },
            new() { NamespaceSelector = new V1LabelSelector { MatchLabels = new Dictionary<string, string>
                { ["team"] = $"team-{number % 5}" } }, PodSelector = App(number) },
            new() { IpBlock = new V1IPBlock { Cidr = $"172.{16 + number % 16}.0.0/16",
                Except = [$"172.{16 + number % 16}.{number}.0/24"] } },
        ];
        V1NetworkPolicyPort[] ports = [new() { Port = "http" }, new() { Port = 443 },
            new() { Port = 9000 + number, EndPort = 9100 + number }];
        return new V1NetworkPolicy
        {
            Metadata = new V1ObjectMeta { Name = $"policy-{number}", NamespaceProperty = $"space-{number % Namespaces}" },
            Spec = new V1NetworkPolicySpec
            {
                PodSelector = number % 4 == 0
                    ? new V1LabelSelector() : new V1LabelSelector { MatchLabels = new Dictionary<string, string>
                    { ["tier"] = $"tier-{number % 3}" } },
                PolicyTypes = ["Ingress", "Egress"],
                Ingress = [new V1NetworkPolicyIngressRule { FromProperty = peers, Ports = ports }],
                Egress = [new V1NetworkPolicyEgressRule { To = peers, Ports = ports },
                    new V1NetworkPolicyEgressRule { Ports = [new V1NetworkPolicyPort { Port = 53, Protocol = "UDP" }] }],
            },
        };
    }

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(Rounds / 2);
}
