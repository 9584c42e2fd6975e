using Operos.Kubernetes;
using Operos.Kubernetes.Objects;
using Operos.Kubernetes.Watching;
using Operos.Linux.Tasks;

namespace Operos.Names;

/// <summary>
/// Keeps the cluster's names at what the API server tells of services, what is behind them, and pods; while it is away, at what it told
/// last.
/// </summary>
public sealed class ClusterNamesWatch(ApiClient client, ClusterNames names)
{
    private const int Kinds = 3;
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(2);
    private int known;

    public Task RunAsync(CancellationToken cancellationToken) => TaskGroup.RunAsync(cancellationToken,
    [
        .. Follow("services", new WatchCache<ServiceObject, ServiceNames>(client, Resources.Services, KubernetesObjects.Read),
            all => names.Services.Replace(all)),
        new("endpoints", FollowEndpointsAsync),
        .. Follow("pods", new WatchCache<PodObject, PodAddresses>(client, Resources.Pods, KubernetesObjects.Read),
            all => names.Pods.Replace(all)),
    ]);

    /// <summary>EndpointSlices where the API has them: of a service with over 1,000 endpoints the older kind tells 1,000.</summary>
    private async Task FollowEndpointsAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<SupervisedTask> works = await FindSlicesAsync(cancellationToken).ConfigureAwait(false) is { } slices
            ? Follow("endpoint slices", new WatchCache<EndpointSliceObject, EndpointGroups>(client, slices, EndpointGroups.Read),
                all => names.ReplaceEndpoints([.. all.SelectMany(one => one.Groups)], bySlices: true))
            : Follow("endpoints", new WatchCache<EndpointsObject, EndpointGroups>(client, Resources.Endpoints, EndpointGroups.Read),
                all => names.ReplaceEndpoints([.. all.SelectMany(one => one.Groups)], bySlices: false));
        await TaskGroup.RunAsync(cancellationToken, works).ConfigureAwait(false);
    }

    /// <summary>The newest kind of EndpointSlices that the API has; null where it has none. Waits until it says so.</summary>
    private async Task<ResourceType<EndpointSliceObject>?> FindSlicesAsync(CancellationToken cancellationToken)
    {
        const string kind = "EndpointSlice";
        var discovery = new ApiDiscovery(client);
        while (true)
        {
            try
            {
                if (await discovery.FindAsync("discovery.k8s.io/v1", kind, cancellationToken).ConfigureAwait(false) is not null)
                    return Resources.EndpointSlices;
                return await discovery.FindAsync("discovery.k8s.io/v1beta1", kind, cancellationToken).ConfigureAwait(false) is not null
                    ? Resources.EndpointSlicesBeta : null;
            }
            // The watches of the other kinds say that it is away.
            catch (ApiException) { await Task.Delay(Again, cancellationToken).ConfigureAwait(false); }
        }
    }

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

    /// <summary>What one Endpoints or EndpointSlice tells: nothing to anybody where the service has none.</summary>
    private sealed record EndpointGroups(IReadOnlyList<EndpointGroup> Groups)
    {
        public static EndpointGroups? Read(EndpointsObject endpoints) =>
            KubernetesObjects.Read(endpoints) is { Count: > 0 } groups ? new(groups) : null;

        public static EndpointGroups? Read(EndpointSliceObject slice) =>
            KubernetesObjects.Read(slice) is { Count: > 0 } groups ? new(groups) : null;

        public bool Equals(EndpointGroups? other) => other is not null && Groups.SequenceEqual(other.Groups);

        public override int GetHashCode() => Groups.Count;
    }
}
