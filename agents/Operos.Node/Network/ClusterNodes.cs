using System.Net;
using System.Net.Sockets;
using Operos.Kubernetes;
using Operos.Kubernetes.Objects;
using Operos.Kubernetes.Watching;
using Operos.Linux.Tasks;

namespace Operos.Node.Network;

/// <summary>The cluster's nodes as the API server tells them; the last that it told while it is away.</summary>
internal sealed class ClusterNodes
{
    private readonly Lock nodesLock = new();
    private Dictionary<string, ClusterNode> nodes = new(StringComparer.Ordinal);
    private long version;

    /// <summary>Why the API server tells nothing now; null while it does.</summary>
    public string? Problem { get; private set; } = "the API server was not asked yet";

    /// <summary>Whether it has told all nodes once: before, an absent node means nothing.</summary>
    public bool IsComplete
    {
        get { lock (nodesLock) return version > 0; }
    }

    public IReadOnlyList<ClusterNode> All
    {
        get { lock (nodesLock) return [.. nodes.Values]; }
    }

    /// <summary>Whether the API server, right now, has no such node.</summary>
    public bool IsAbsent(string name)
    {
        lock (nodesLock) return version > 0 && Problem is null && !nodes.ContainsKey(name);
    }

    /// <summary>Follows until cancelled.</summary>
    /// <param name="changed">Called when something did that the pod network depends on; most of what a Node tells is nothing to it.</param>
    public async Task FollowAsync(ApiClient client, Action changed, CancellationToken cancellationToken)
    {
        var cache = new WatchCache<NodeObject, ClusterNode>(client, Resources.Nodes, Read);
        await TaskGroup.RunAsync(cancellationToken, new("watch", cache.RunAsync), new("changes", async token =>
        {
            await foreach (var snapshot in cache.ChangesAsync(token).ConfigureAwait(false))
                if (Take(snapshot)) changed();
        })).ConfigureAwait(false);
    }

    /// <returns>Whether anything changed.</returns>
    internal bool Take(WatchSnapshot<ClusterNode> snapshot)
    {
        lock (nodesLock)
        {
            var news = Problem != snapshot.Problem || version != snapshot.Version;
            (Problem, version) = (snapshot.Problem, snapshot.Version);
            nodes = snapshot.Items.ToDictionary(node => node.Name, StringComparer.Ordinal);
            return news;
        }
    }

    internal static ClusterNode? Read(NodeObject node) => node.Metadata is { Name: { } name } meta
        ? new(name, ReadAddress(node), ReadPods(node), meta.CreationTimestamp is { } created
            ? new DateTimeOffset(created).ToUnixTimeSeconds() : 0,
            node.Status?.Conditions.Present().Any(condition => condition is { Type: "Ready", Status: "True" }) == true) : null;

    private static IPAddress? ReadAddress(NodeObject node) =>
        node.Status?.Addresses.Present().Where(address => address.Type == "InternalIP")
            .Select(address => IPAddress.TryParse(address.Address, out var ip) ? ip : null)
            .FirstOrDefault(ip => ip?.AddressFamily == AddressFamily.InterNetwork);

    /// <summary>Of a dual-stack node the IPv4 ones.</summary>
    private static IPNetwork? ReadPods(NodeObject node)
    {
        foreach (var text in (IEnumerable<string>)[.. node.Spec?.PodCIDRs.Present() ?? [], node.Spec?.PodCIDR ?? ""])
            if (IPNetwork.TryParse(text, out var network)
                && network.BaseAddress.AddressFamily == AddressFamily.InterNetwork) return network;
        return null;
    }
}
