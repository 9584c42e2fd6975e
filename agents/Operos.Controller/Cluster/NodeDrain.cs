using System.Net;
using System.Text.Json.Nodes;
using Operos.Kubernetes;
using Operos.Kubernetes.Objects;

namespace Operos.Controller.Cluster;

/// <summary>
/// Empties a node as <c>kubectl drain --force --delete-emptydir-data</c> does: cordon, then evict, which respects PodDisruptionBudgets. A
/// machine that reboots or goes keeps nothing in RAM, so pods without a controller and pods with an emptyDir go as well.
/// </summary>
internal sealed class NodeDrain(ApiClient client, ApiDiscovery discovery, TimeProvider time)
{
    private const string MirrorPod = "kubernetes.io/config.mirror";
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>Answers with what is still there at the deadline and why; none where the node is empty.</summary>
    /// <param name="alive">Whether a kubelet will end the pods; a dead node's pods go with its Node object.</param>
    public async Task<IReadOnlyList<string>> DrainAsync(string node, bool alive, TimeSpan deadline, Action<string> progress,
        CancellationToken cancellationToken)
    {
        await CordonAsync(node, cancellationToken).ConfigureAwait(false);
        var version = await EvictionVersionAsync(cancellationToken).ConfigureAwait(false);
        for (var started = time.GetTimestamp(); ; await Task.Delay(Pause, cancellationToken).ConfigureAwait(false))
        {
            var pods = (await client.ListAsync(Resources.Pods, cancellationToken, fields: $"spec.nodeName={node}").ConfigureAwait(false))
                .Where(MustGo).ToList();
            var left = new List<string>();
            foreach (var pod in pods)
            {
                var refusal = pod.Metadata?.DeletionTimestamp is null
                    ? await EvictAsync(pod, version, cancellationToken).ConfigureAwait(false) : null;
                if (refusal is not null || alive) left.Add($"{pod.Metadata?.Namespace}/{pod.Metadata?.Name}: {refusal ?? "is ending"}");
            }
            if (left.Count > 0) progress($"{Counted(left.Count)} still there: {string.Join("; ", left.Take(3))}");
            if (left.Count == 0 || time.GetElapsedTime(started) > deadline) return left;
        }
    }

    /// <summary>Keeps new pods from coming to the node.</summary>
    public Task CordonAsync(string node, CancellationToken cancellationToken) =>
        client.MergeAsync(Resources.Nodes.Path(null, node), new JsonObject { ["spec"] = new JsonObject { ["unschedulable"] = true } },
            cancellationToken);

    /// <summary>Lets pods come to the node again.</summary>
    public Task UncordonAsync(string node, CancellationToken cancellationToken) =>
        client.MergeAsync(Resources.Nodes.Path(null, node), new JsonObject { ["spec"] = new JsonObject { ["unschedulable"] = null } },
            cancellationToken);

    /// <summary>So many pods, and what they do.</summary>
    public static string Counted(int pods) => pods == 1 ? "1 pod is" : $"{pods} pods are";

    /// <summary>Pods of a DaemonSet come back at once, and static pods are the kubelet's own.</summary>
    internal static bool MustGo(PodObject pod) =>
        pod.Metadata?.OwnerReferences.Present().Any(owner => owner.Kind == "DaemonSet" && owner.Controller == true) != true
            && pod.Metadata?.Annotations?.ContainsKey(MirrorPod) != true && pod.Status?.Phase is not ("Succeeded" or "Failed");

    /// <summary>
    /// Null where the eviction is on its way. Any refusal is asked again: a budget may allow it later, and a pod whose namespace is being
    /// deleted cannot be evicted ("forbidden") but ends by itself.
    /// </summary>
    private async Task<string?> EvictAsync(PodObject pod, string version, CancellationToken cancellationToken)
    {
        var (space, name) = (pod.Metadata?.Namespace ?? "default", pod.Metadata?.Name ?? "");
        var eviction = new JsonObject { ["apiVersion"] = version, ["kind"] = "Eviction",
            ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = space } };
        try
        {
            await client.CreateAsync($"{Resources.Pods.Path(space, name)}/eviction", eviction, cancellationToken).ConfigureAwait(false);
            return null;
        }
        catch (ApiException e) when (e.Code == HttpStatusCode.NotFound) { return null; }
        catch (ApiException e) { return e.Message; }
    }

    /// <summary>policy/v1 from 1.22 on, v1beta1 before: the subresource itself says which.</summary>
    private async Task<string> EvictionVersionAsync(CancellationToken cancellationToken)
    {
        var eviction = (await discovery.ResourcesAsync("v1", cancellationToken).ConfigureAwait(false))
            .FirstOrDefault(resource => resource.Name == "pods/eviction");
        return $"{eviction?.Group ?? "policy"}/{eviction?.Version ?? "v1beta1"}";
    }
}
