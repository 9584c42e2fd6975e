using Operos.Kubernetes;
using Operos.Kubernetes.Objects;
using Operos.Kubernetes.Watching;
using Operos.Linux.Tasks;
using Operos.Policy.Cluster;
using Operos.Policy.Policies;

namespace Operos.Policy;

/// <summary>
/// Tells an enforcer of the pods, namespaces and policies that the API server has. The enforcer begins when all three are known; what
/// changes nothing for any policy, such as a pod's heartbeat or a list after an interruption, does not reach it.
/// </summary>
public sealed class ClusterWatch
{
    private const int Caches = 3;
    private readonly PolicyEnforcer enforcer;
    private readonly WatchCache<PodObject, PodEndpoint> pods;
    private readonly WatchCache<NamespaceObject, NamespaceLabels> namespaces;
    private readonly WatchCache<NetworkPolicyObject, Policies.Policy> policies;
    private int complete;

    public ClusterWatch(ApiClient client, PolicyEnforcer enforcer, PolicyLimits? limits = null, WatchOptions? options = null)
    {
        this.enforcer = enforcer;
        var bounds = limits ?? new PolicyLimits();
        pods = new(client, Resources.Pods, pod => PodEndpoint.Read(ClusterView.KeyOf(pod.Metadata), pod), PodEndpoint.IsSame, options);
        namespaces = new(client, Resources.Namespaces, NamespaceLabels.Read, NamespaceLabels.IsSame, options);
        policies = new(client, Resources.NetworkPolicies, policy => PolicyReader.Read(ClusterView.KeyOf(policy.Metadata), policy, bounds),
            Policies.Policy.IsSame, options);
    }

    /// <summary>Why the API server does not tell one of the three; null while it does.</summary>
    public string? Problem => pods.Snapshot.Problem ?? namespaces.Snapshot.Problem ?? policies.Snapshot.Problem;

    /// <summary>Up to when all three are surely known; null before they are.</summary>
    public DateTimeOffset? LastSeen => pods.LastSeen is { } one && namespaces.LastSeen is { } two && policies.LastSeen is { } three
        ? new[] { one, two, three }.Min() : null;

    /// <summary>Follows until cancelled. One of these tasks that fails ends all: the caller's group sees it.</summary>
    public IReadOnlyList<SupervisedTask> Works =>
    [
        new("watch of pods", pods.RunAsync),
        new("watch of namespaces", namespaces.RunAsync),
        new("watch of policies", policies.RunAsync),
        new("changes of pods", token => TellAsync(pods, (view, all) => view.ReplacePods(all), token)),
        new("changes of namespaces", token => TellAsync(namespaces, (view, all) => view.ReplaceNamespaces(all), token)),
        new("changes of policies", token => TellAsync(policies, (view, all) => view.ReplacePolicies(all), token)),
    ];

    private async Task TellAsync<TObject, TItem>(WatchCache<TObject, TItem> cache, Action<ClusterView, IReadOnlyList<TItem>> replace,
        CancellationToken cancellationToken)
        where TObject : class, IApiObject where TItem : class
    {
        long told = 0;
        await foreach (var snapshot in cache.ChangesAsync(cancellationToken).ConfigureAwait(false))
        {
            if (snapshot.Version == told) continue;
            enforcer.Change(view => replace(view, snapshot.Items));
            if (told == 0 && Interlocked.Increment(ref complete) == Caches) enforcer.Begin();
            told = snapshot.Version;
        }
    }
}
