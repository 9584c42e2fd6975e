using System.Net;
using System.Net.Sockets;
using k8s.Models;
using Operos.Kubernetes;

namespace Operos.Node.Network;

/// <summary>The cluster's nodes as the API server tells them; the last that it told while it is away.</summary>
internal sealed class ClusterNodes
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, ClusterNode> nodes = new(StringComparer.Ordinal);

    /// <summary>Why the API server tells nothing now; null while it does.</summary>
    public string? Problem { get; private set; } = "the API server was not asked yet";

    /// <summary>Whether it has told all nodes once: before, an absent node means nothing.</summary>
    public bool IsComplete { get; private set; }

    public IReadOnlyList<ClusterNode> All
    {
        get { lock (gate) return [.. nodes.Values]; }
    }

    /// <summary>Whether the API server, right now, has no such node.</summary>
    public bool IsAbsent(string name)
    {
        lock (gate) return IsComplete && Problem is null && !nodes.ContainsKey(name);
    }

    /// <summary>Follows until cancelled.</summary>
    /// <param name="changed">Called when something did that the pod network depends on; most of what a Node tells is nothing to it.</param>
    public async Task FollowAsync(ApiClient client, Action changed, CancellationToken cancellationToken)
    {
        await foreach (var change in new Watch<V1Node>(client, Resources.Nodes).FollowAsync(cancellationToken).ConfigureAwait(false))
            if (Take(change)) changed();
    }

    /// <returns>Whether anything changed.</returns>
    internal bool Take(WatchChange<V1Node> change)
    {
        lock (gate)
        {
            var news = Problem != change.Problem;
            Problem = change.Problem;
            switch (change.Kind)
            {
                case WatchKind.Listed:
                    var listed = change.Objects.Select(Read).ToDictionary(node => node.Name, StringComparer.Ordinal);
                    foreach (var gone in nodes.Keys.Except(listed.Keys).ToList()) news |= nodes.Remove(gone);
                    foreach (var node in listed.Values) news |= Put(node);
                    news |= !IsComplete;
                    IsComplete = true;
                    return news;
                case WatchKind.Changed: return Put(Read(change.Objects[0])) || news;
                case WatchKind.Removed: return nodes.Remove(change.Objects[0].Metadata.Name) || news;
                default: return news;
            }
        }
    }

    private bool Put(ClusterNode node)
    {
        if (nodes.TryGetValue(node.Name, out var old) && old == node) return false;
        nodes[node.Name] = node;
        return true;
    }

    internal static ClusterNode Read(V1Node node) => new(node.Metadata.Name, ReadAddress(node), ReadPods(node), node.Metadata.CreationTimestamp is { } created ? new DateTimeOffset(created).ToUnixTimeSeconds() : 0);

    private static IPAddress? ReadAddress(V1Node node) =>
        node.Status?.Addresses?.Where(address => address.Type == "InternalIP").Select(address => IPAddress.TryParse(address.Address, out var ip) ? ip : null)
            .FirstOrDefault(ip => ip?.AddressFamily == AddressFamily.InterNetwork);

    /// <summary>Of a dual-stack node the IPv4 ones.</summary>
    private static IPNetwork? ReadPods(V1Node node)
    {
        foreach (var text in (IEnumerable<string>)[.. node.Spec?.PodCIDRs ?? [], node.Spec?.PodCIDR ?? ""])
            if (IPNetwork.TryParse(text, out var network) && network.BaseAddress.AddressFamily == AddressFamily.InterNetwork) return network;
        return null;
    }
}
