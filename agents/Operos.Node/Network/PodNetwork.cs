using System.Net;
using System.Text;
using Operos.Linux;
using Operos.Policy.Nftables;

namespace Operos.Node.Network;

/// <summary>
/// The routed pod network of one node: addresses and cables by CNI, routes to the other nodes' pods, masquerade to the outside.
/// </summary>
internal sealed class PodNetwork(NodePaths paths, NodeSettings settings, IPAddress address)
{
    private readonly IPNetwork podNetwork = IPNetwork.Parse(settings.Cluster.PodNetwork);
    private readonly RouteTable routes = new();
    private bool forwards;
    private uint? generation;

    /// <summary>Brings all of it to what the nodes ask for. Again costs little and changes nothing.</summary>
    /// <returns>How it stands, in words.</returns>
    /// <exception cref="NodeException">A part cannot be brought there; the others are.</exception>
    public async Task<string> ApplyAsync(ClusterNodes nodes, CancellationToken cancellationToken)
    {
        // Until the API server has told all nodes, the routes that an agent before this one made stay.
        if (!nodes.IsComplete) throw new NodeException($"the API server does not tell the nodes: {nodes.Problem}");
        var now = NftablesGeneration.Read();
        var isSame = forwards && now is not null && now == generation;
        if (!isSame && !(forwards && await Forwarding.IsAppliedAsync(cancellationToken).ConfigureAwait(false)))
        {
            await new Forwarding(podNetwork, NameServer()).ApplyAsync(cancellationToken).ConfigureAwait(false);
            now = null;
        }
        (forwards, generation) = (true, now);
        var all = nodes.All;
        var plan = RoutePlan.Make(podNetwork, settings.Name, all, out var problems);
        await routes.SetAsync(plan, cancellationToken).ConfigureAwait(false);
        var unkept = paths.Routes is { } kept ? KeptRoutes.Keep(kept, plan) : null;
        var own = all.FirstOrDefault(node => node.Name == settings.Name)
            ?? throw new NodeException("the API server has no Node of this name yet: the kubelet makes it");
        var pods = own.Pods ?? throw new NodeException("the Node has no pod addresses yet: kube-controller-manager gives them");
        if (!podNetwork.Contains(pods.BaseAddress))
            throw new NodeException($"the Node's pod addresses {pods} are not within the pod network {podNetwork}");
        var nic = NodeInterface.Find(address);
        CniConfiguration.Install(paths, pods, nic.Mtu);
        return Describe(pods, nic, all.Count - 1, problems, nodes.Problem)
            + (unkept is null ? "" : $"; the routes are not kept for the next boot: {unkept}");
    }

    /// <summary>
    /// Sets the routes of the boot before, until the API server tells the nodes; where there are none, or some of this boot, does nothing.
    /// </summary>
    /// <exception cref="NodeException">They cannot be set, or not be read.</exception>
    public static async Task RecallAsync(NodePaths paths, IPNetwork podNetwork, CancellationToken cancellationToken)
    {
        if (paths.Routes is not { } kept || KeptRoutes.Read(kept, podNetwork) is not { Count: > 0 } before) return;
        var table = new RouteTable();
        var present = await table.ReadAsync(cancellationToken).ConfigureAwait(false);
        if (!present.Except(before).Any()) await table.SetAsync(before, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Takes all of ours away, for an add-on's network or a machine that leaves.</summary>
    /// <exception cref="NodeException">A part of it is still there; the others are gone.</exception>
    public static async Task ClearAsync(NodePaths paths, CancellationToken cancellationToken)
    {
        CniConfiguration.Remove(paths);
        var problems = new List<string>();
        Func<CancellationToken, Task>[] parts = [new RouteTable().ClearAsync, Forwarding.ClearAsync, ClearPoliciesAsync];
        foreach (var part in parts)
        {
            try { await part(cancellationToken).ConfigureAwait(false); }
            catch (NodeException e) { problems.Add(e.Message); }
        }
        if (problems.Count > 0) throw new NodeException(string.Join("; ", problems));
    }

    /// <summary>Policies of nobody would cut off pods that an add-on gave an address of the old network.</summary>
    private static async Task ClearPoliciesAsync(CancellationToken cancellationToken)
    {
        using var applier = new RulesetApplier();
        try { await applier.RemoveAsync(cancellationToken).ConfigureAwait(false); }
        catch (NftException e) { throw new NodeException($"the policies' table: {e.Message}", e); }
    }

    private IPAddress? NameServer() =>
        settings.Cluster.RoutesToPods && IPAddress.TryParse(new Uri(settings.Cluster.ApiServer).Host, out var server) ? server : null;

    private static string Describe(IPNetwork pods, NodeInterface nic, int others, IReadOnlyList<string> problems, string? stale)
    {
        var text = new StringBuilder($"{pods} on {nic.Name}, MTU {nic.Mtu}, {others} other nodes");
        if (problems.Count > 0) text.Append(null, $"; passed over: {string.Join("; ", problems)}");
        if (stale is not null) text.Append(null, $"; as it was before: {stale}");
        return text.ToString();
    }
}
