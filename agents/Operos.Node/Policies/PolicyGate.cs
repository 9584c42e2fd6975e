using System.Net;
using Microsoft.Extensions.Logging;
using Operos.Kubernetes;
using Operos.Linux;
using Operos.Linux.Tasks;
using Operos.Node.Cni;
using Operos.Policy;
using Operos.Policy.Cluster;
using Operos.Policy.Nftables;
using Operos.Policy.Policies;

namespace Operos.Node.Policies;

/// <summary>
/// Keeps the cluster's network policies in force on this node, and holds each new pod back until its own are. What an agent before this one
/// left in force stays so until the API server has told everything.
/// </summary>
public sealed class PolicyGate(AttachedPods attached, NodeStepBoard steps, ILogger<PolicyGate> logger) : IPodGate, IDisposable
{
    private static readonly TimeSpan ReportPeriod = TimeSpan.FromSeconds(2);
    private readonly RulesetApplier applier = new(generation: NftablesGeneration.Read);
    private volatile PolicyEnforcer? enforcer;
    private volatile ClusterNameServer? nameServer;

    public async Task AdmitAsync(AttachedPod pod, CancellationToken cancellationToken)
    {
        var enforcing = enforcer ?? throw new NodeException("policies are not enforced yet: the agent has just started");
        await enforcing.AdmitAsync(KeyOf(pod), UidOf(pod), AddressesOf(pod), cancellationToken).ConfigureAwait(false);
    }

    public Task ReleaseAsync(AttachedPod pod, CancellationToken cancellationToken)
    {
        enforcer?.Release(KeyOf(pod), UidOf(pod));
        return Task.CompletedTask;
    }

    /// <summary>The node's pod addresses became known or changed: what no pod is known to own of them is cut off.</summary>
    internal void SetPods(string node, IPNetwork pods) => enforcer?.SetNode(new NodeView(node, [pods.ToString()])
        { NameServer = nameServer });

    /// <summary>Follows the API and enforces until cancelled.</summary>
    /// <param name="dns">The cluster's name server; null where it is a pod or nobody knows it.</param>
    internal async Task RunAsync(string node, ClusterNameServer? dns, ApiClient client, CancellationToken cancellationToken)
    {
        nameServer = dns;
        using var enforcing = new PolicyEnforcer(new NodeView(node, []) { NameServer = dns }, applier);
        enforcing.Change(view =>
        {
            foreach (var pod in attached.All) view.Assign(KeyOf(pod), UidOf(pod), AddressesOf(pod));
        });
        enforcer = enforcing;
        var watch = new ClusterWatch(client, enforcing);
        try { await TaskGroup.RunAsync(cancellationToken,
            [new("nftables", enforcing.RunAsync), .. watch.Works, new("report", token => ReportAsync(enforcing, watch, token))])
            .ConfigureAwait(false); }
        finally { enforcer = null; }
    }

    public void Dispose() => applier.Dispose();

    private async Task ReportAsync(PolicyEnforcer enforcing, ClusterWatch watch, CancellationToken cancellationToken)
    {
        while (true)
        {
            var state = enforcing.State;
            var news = state switch
            {
                { Error: { } error } => steps.Set(NodeStepBoard.Policy, false, error),
                { InForceSince: null } =>
                    steps.Set(NodeStepBoard.Policy, false,
                    $"the API server does not tell the policies: {watch.Problem ?? "not listed yet"}"),
                { Problems.Count: > 0 } => steps.Set(NodeStepBoard.Policy, true, $"refused: {string.Join("; ", state.Problems.Take(3))}"),
                _ => steps.Set(NodeStepBoard.Policy, true, watch.Problem is { } problem
                    ? $"as they were at {watch.LastSeen:HH:mm:ss} UTC: {problem}" : ""),
            };
            if (news && (state.Error is not null || state.Problems.Count > 0))
                logger.PolicyProblem(steps.Steps.First(step => step.Name == NodeStepBoard.Policy).Text);
            await Task.Delay(ReportPeriod, cancellationToken).ConfigureAwait(false);
        }
    }

    private static ObjectKey KeyOf(AttachedPod pod) => new(pod.Namespace, pod.Name);

    private static string? UidOf(AttachedPod pod) => pod.Uid.Length == 0 ? null : pod.Uid;

    private static IReadOnlyList<IPAddress> AddressesOf(AttachedPod pod) => [.. pod.Addresses.Select(IPAddress.Parse)];
}
