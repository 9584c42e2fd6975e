using System.Net;
using System.Net.Sockets;

namespace Operos.Node.Network;

/// <summary>
/// Which routes a node needs. A Node object is written by its kubelet, so what it claims is checked: pods only inside the pod network,
/// never where other pods are, and never through an address of a pod.
/// </summary>
public static class RoutePlan
{
    /// <param name="own">This node's name: its own pods need no route.</param>
    /// <param name="problems">Claims that were passed over, and why.</param>
    public static IReadOnlyList<PodRoute> Make(IPNetwork podNetwork, string own, IEnumerable<ClusterNode> nodes,
        out IReadOnlyList<string> problems)
    {
        var refused = new List<string>();
        // What belongs to no node must not follow the default route.
        var routes = new List<PodRoute> { new(podNetwork, null) };
        var taken = new List<(IPNetwork Pods, string Node)>();
        foreach (var node in nodes.Where(node => node.Pods is not null).OrderBy(node => node.CreatedUnixSeconds)
            .ThenBy(node => node.Name, StringComparer.Ordinal))
        {
            var pods = node.Pods!.Value;
            if (Refuse(podNetwork, node, pods, taken) is { } reason) refused.Add($"node {node.Name}: {reason}");
            else
            {
                taken.Add((pods, node.Name));
                if (node.Name != own && node.Address is not null) routes.Add(new PodRoute(pods, node.Address));
            }
        }
        problems = refused;
        return routes;
    }

    private static string? Refuse(IPNetwork podNetwork, ClusterNode node, IPNetwork pods, List<(IPNetwork Pods, string Node)> taken)
    {
        if (pods.BaseAddress.AddressFamily != AddressFamily.InterNetwork) return $"{pods} is not IPv4";
        if (pods.PrefixLength <= podNetwork.PrefixLength || !podNetwork.Contains(pods.BaseAddress))
            return $"{pods} is not within the pod network {podNetwork}";
        if (taken.FirstOrDefault(other => other.Pods.Contains(pods.BaseAddress) || pods.Contains(other.Pods.BaseAddress)) is
            { Node: { } holder }) return $"{pods} is also claimed by node {holder}";
        return node.Address is not null && podNetwork.Contains(node.Address)
            ? $"its address {node.Address} lies within the pod network" : null;
    }
}
