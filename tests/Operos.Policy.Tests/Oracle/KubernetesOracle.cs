using System.Globalization;
using System.Net;
using k8s.Models;

namespace Operos.Policy.Tests.Oracle;

/// <summary>
/// Decides from the objects themselves, sentence by sentence of the Kubernetes documentation (Network Policies; NetworkPolicySpec in the
/// API's reference), whether a node forwards a packet. Shares nothing with the compiler.
/// </summary>
internal static class KubernetesOracle
{
    public static bool Allows(World world, Packet packet)
    {
        var (source, destination) = (OwnerOf(world, packet.Source), OwnerOf(world, packet.Destination));
        // Ours, not the specification's: an address of the node's own networks that no pod of this node owns is cut off.
        if (IsOwn(world, packet.Source) && source?.Spec.NodeName != world.Node) return false;
        if (IsOwn(world, packet.Destination) && destination?.Spec.NodeName != world.Node) return false;
        if (source?.Spec.NodeName == world.Node && !AllowsDirection(world, source, "Egress", packet, destination, packet.Destination))
            return false;
        return destination?.Spec.NodeName != world.Node || AllowsDirection(
            world, destination, "Ingress", packet, source, packet.Source, destination);
    }

    private static bool AllowsDirection(World world, V1Pod pod, string type, Packet packet, V1Pod? other, string otherAddress,
        V1Pod? self = null)
    {
        // "By default, a pod is non-isolated"; isolated if any policy selects it and has the type; then the union of what those allow.
        var isolating = world.Policies.Where(policy =>
            policy.Metadata.NamespaceProperty == pod.Metadata.NamespaceProperty && Types(policy).Contains(type)
            && Selects(policy.Spec.PodSelector, pod.Metadata.Labels)).ToList();
        if (isolating.Count == 0) return true;
        var receiver = type == "Ingress" ? self : other;
        return isolating.Any(policy => type == "Ingress"
            ? (policy.Spec.Ingress ?? []).Any(rule =>
                AllowsPeer(world, policy, rule.FromProperty, other, otherAddress) && AllowsPort(rule.Ports, packet, receiver))
            : (policy.Spec.Egress ?? []).Any(rule =>
                AllowsPeer(world, policy, rule.To, other, otherAddress) && AllowsPort(rule.Ports, packet, receiver)));
    }

    private static IEnumerable<string> Types(V1NetworkPolicy policy)
    {
        if (policy.Spec.PolicyTypes is { Count: > 0 } given) return given;
        return policy.Spec.Egress is { Count: > 0 } ? ["Ingress", "Egress"] : ["Ingress"];
    }

    private static bool AllowsPeer(World world, V1NetworkPolicy policy, IList<V1NetworkPolicyPeer>? peers, V1Pod? pod, string address)
    {
        if (peers is null || peers.Count == 0) return true;
        foreach (var peer in peers)
        {
            if (peer.IpBlock is { } block)
            {
                if (In(block.Cidr, address) && !(block.Except ?? []).Any(hole => In(hole, address))) return true;
                continue;
            }
            if (pod is null) continue;
            if (peer.NamespaceSelector is null && pod.Metadata.NamespaceProperty != policy.Metadata.NamespaceProperty) continue;
            if (peer.NamespaceSelector is not null && (world.Namespaces.FirstOrDefault(
                item => item.Metadata.Name == pod.Metadata.NamespaceProperty) is not { } home
                || !Selects(peer.NamespaceSelector, home.Metadata.Labels))) continue;
            if (peer.PodSelector is null || Selects(peer.PodSelector, pod.Metadata.Labels)) return true;
        }
        return false;
    }

    private static bool AllowsPort(IList<V1NetworkPolicyPort>? ports, Packet packet, V1Pod? receiver)
    {
        if (ports is null || ports.Count == 0) return true;
        foreach (var port in ports)
        {
            if ((port.Protocol ?? "TCP") != packet.Protocol) continue;
            if (port.Port is null) return true;
            if (int.TryParse(port.Port.Value, CultureInfo.InvariantCulture, out var number))
            {
                if (packet.Port >= number && packet.Port <= (port.EndPort ?? number)) return true;
            }
            else if (receiver is not null && receiver.Spec.Containers.SelectMany(container => container.Ports ?? [])
                .Any(own => own.Name == port.Port.Value && (own.Protocol ?? "TCP") == packet.Protocol
                    && own.ContainerPort == packet.Port)) return true;
        }
        return false;
    }

    private static bool Selects(V1LabelSelector selector, IDictionary<string, string>? labels)
    {
        labels ??= new Dictionary<string, string>();
        if ((selector.MatchLabels ?? new Dictionary<string, string>())
            .Any(wanted => !labels.TryGetValue(wanted.Key, out var value) || value != wanted.Value)) return false;
        foreach (var expression in selector.MatchExpressions ?? [])
        {
            var holds = expression.OperatorProperty switch
            {
                "In" => labels.ContainsKey(expression.Key) && expression.Values.Contains(labels[expression.Key]),
                "NotIn" => !(labels.ContainsKey(expression.Key) && expression.Values.Contains(labels[expression.Key])),
                "Exists" => labels.ContainsKey(expression.Key),
                "DoesNotExist" => !labels.ContainsKey(expression.Key),
                var odd => throw new InvalidOperationException(odd),
            };
            if (!holds) return false;
        }
        return true;
    }

    private static V1Pod? OwnerOf(World world, string address) =>
        world.Pods.FirstOrDefault(pod =>
            pod.Spec.HostNetwork != true && pod.Status?.Phase is not ("Succeeded" or "Failed") && (pod.Status?.PodIPs ?? [])
            .Any(own => own.Ip == address));

    private static bool IsOwn(World world, string address) => world.PodCidrs.Any(network => In(network, address));

    private static bool In(string network, string address) => IPNetwork.Parse(network).Contains(IPAddress.Parse(address));
}
