using k8s;
using k8s.Models;
using Operos.Kubernetes;

namespace Operos.Names;

/// <summary>Keeps the cluster's names at what the API server tells of services, their endpoints and pods; while it is away, at what it told last.</summary>
public sealed class ClusterNamesWatch(ApiClient client, ClusterNames names)
{
    public Task RunAsync(CancellationToken cancellationToken) => Task.WhenAll(
        FollowAsync(new Watch<V1Service>(client, Resources.Services), names.Services, cancellationToken),
        FollowAsync(new Watch<V1Endpoints>(client, Resources.Endpoints), names.Endpoints, cancellationToken),
        FollowAsync(new Watch<V1Pod>(client, Resources.Pods), names.Pods, cancellationToken));

    private static async Task FollowAsync<TObject, TNames>(Watch<TObject> watch, ObjectNames<TObject, TNames> objects, CancellationToken cancellationToken) where TObject : class, IKubernetesObject<V1ObjectMeta>
    {
        await foreach (var change in watch.FollowAsync(cancellationToken).ConfigureAwait(false))
            switch (change.Kind)
            {
                case WatchKind.Listed: objects.Replace(change.Objects); break;
                case WatchKind.Changed: objects.Put(change.Objects[0]); break;
                case WatchKind.Removed: objects.Remove(change.Objects[0]); break;
            }
    }
}
