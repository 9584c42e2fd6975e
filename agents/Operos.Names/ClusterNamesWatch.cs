using Operos.Kubernetes;
using Operos.Kubernetes.Objects;
using Operos.Kubernetes.Watching;
using Operos.Linux.Tasks;

namespace Operos.Names;

/// <summary>
/// Keeps the cluster's names at what the API server tells of services, their endpoints and pods; while it is away, at what it told last.
/// </summary>
public sealed class ClusterNamesWatch(ApiClient client, ClusterNames names)
{
    private const int Kinds = 3;
    private int known;

    public Task RunAsync(CancellationToken cancellationToken) => TaskGroup.RunAsync(cancellationToken,
    [
        .. Follow("services", new WatchCache<ServiceObject, ServiceNames>(client, Resources.Services, KubernetesObjects.Read),
            all => names.Services.Replace(all)),
        .. Follow("endpoints", new WatchCache<EndpointsObject, EndpointGroups>(client, Resources.Endpoints, EndpointGroups.Read),
            all => names.Endpoints.Replace([.. all.SelectMany(one => one.Groups)])),
        .. Follow("pods", new WatchCache<PodObject, PodAddresses>(client, Resources.Pods, KubernetesObjects.Read),
            all => names.Pods.Replace(all)),
    ]);

    private IReadOnlyList<SupervisedTask> Follow<TObject, TNames>(string what, WatchCache<TObject, TNames> cache,
        Action<IReadOnlyList<TNames>> replace) where TObject : class, IApiObject where TNames : class =>
        [new($"watch of {what}", cache.RunAsync), new($"names of {what}", token => TellAsync(cache, replace, token))];

    private async Task TellAsync<TObject, TNames>(WatchCache<TObject, TNames> cache, Action<IReadOnlyList<TNames>> replace,
        CancellationToken cancellationToken) where TObject : class, IApiObject where TNames : class
    {
        long told = 0;
        await foreach (var snapshot in cache.ChangesAsync(cancellationToken).ConfigureAwait(false))
            if (snapshot.Version != told)
            {
                replace(snapshot.Items);
                if (told == 0 && Interlocked.Increment(ref known) == Kinds) names.SetComplete();
                told = snapshot.Version;
            }
    }

    /// <summary>What one Endpoints tells: nothing to anybody where the service has none.</summary>
    private sealed record EndpointGroups(IReadOnlyList<EndpointGroup> Groups)
    {
        public static EndpointGroups? Read(EndpointsObject endpoints) =>
            KubernetesObjects.Read(endpoints) is { Count: > 0 } groups ? new(groups) : null;

        public bool Equals(EndpointGroups? other) => other is not null && Groups.SequenceEqual(other.Groups);

        public override int GetHashCode() => Groups.Count;
    }
}
