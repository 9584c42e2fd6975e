using System.Net;
using System.Text;

namespace Operos.Node.Network;

/// <summary>
/// The routed pod network of one node: addresses and cables by CNI, routes to the other nodes' pods, masquerade to the outside.
/// </summary>
internal sealed class PodNetwork(NodePaths paths, NodeSettings settings, IPAddress address)
{
    private readonly IPNetwork podNetwork = IPNetwork.Parse(settings.Cluster.PodNetwork);
    private readonly RouteTable routes = new();
    private bool forwards;

    /// <summary>Brings all of it to what the nodes ask for. Again costs little and changes nothing.</summary>
    /// <returns>How it stands, in words.</returns>
    /// <exception cref="NodeException">A part cannot be brought there; the others are.</exception>
    public async Task<string> ApplyAsync(ClusterNodes nodes, CancellationToken cancellationToken)
    {
        // Until the API server has told all nodes, the routes that an agent before this one made stay.
        if (!nodes.IsComplete) throw new NodeException($"the API server does not tell the nodes: {nodes.Problem}");
        if (!forwards || !await Forwarding.IsAppliedAsync(cancellationToken).ConfigureAwait(false))
            await new Forwarding(podNetwork).ApplyAsync(cancellationToken).ConfigureAwait(false);
        forwards = true;
        var all = nodes.All;
        await routes.SetAsync(RoutePlan.Make(podNetwork, settings.Name, all, out var problems), cancellationToken).ConfigureAwait(false);
        var own = all.FirstOrDefault(node => node.Name == settings.Name)
            ?? throw new NodeException("the API server has no Node of this name yet: the kubelet makes it");
        var pods = own.Pods ?? throw new NodeException("the Node has no pod addresses yet: kube-controller-manager gives them");
        if (!podNetwork.Contains(pods.BaseAddress))
            throw new NodeException($"the Node's pod addresses {pods} are not within the pod network {podNetwork}");
        var nic = NodeInterface.Find(address);
        CniConfiguration.Install(paths, pods, nic.Mtu);
        return Describe(pods, nic, all.Count - 1, problems, nodes.Problem);
    }

    /// <summary>Takes all of ours away, for an add-on's network or a machine that leaves.</summary>
    public static async Task ClearAsync(NodePaths paths, CancellationToken cancellationToken)
    {
        CniConfiguration.Remove(paths);
        await new RouteTable().ClearAsync(cancellationToken).ConfigureAwait(false);
        await Forwarding.ClearAsync(cancellationToken).ConfigureAwait(false);
    }

    private static string Describe(IPNetwork pods, NodeInterface nic, int others, IReadOnlyList<string> problems, string? stale)
    {
        var text = new StringBuilder($"{pods} on {nic.Name}, MTU {nic.Mtu}, {others} other nodes");
        if (problems.Count > 0) text.Append(null, $"; passed over: {string.Join("; ", problems)}");
        if (stale is not null) text.Append(null, $"; as it was before: {stale}");
        return text.ToString();
    }
}
