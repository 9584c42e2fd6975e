using CsCheck;
using k8s.Models;

namespace Operos.Policy.Tests.Oracle;

/// <summary>Small random clusters: few names and values, so that selectors meet what they select.</summary>
internal static class Worlds
{
    private static readonly string[] NamespaceNames = ["red", "green", "blue"], Keys = ["app", "tier"], Values = ["a", "b", ""],
        PortNames = ["http", "dns"], Protocols = ["TCP", "UDP", "SCTP"];
    private static readonly string[] Outside = ["203.0.113.7", "10.10.3.9", "2001:db8::7"];
    private static readonly int[] Numbers = [53, 80, 81, 443, 8080];
    private static readonly string[] Blocks = ["0.0.0.0/0", "10.10.0.0/16", "10.10.2.0/24", "203.0.113.0/24", "10.10.1.2/32",
        "2001:db8::/32", "::/0", "fd00:10::/32"];
    private static readonly string[] Holes = ["10.10.2.0/25", "10.10.1.0/24", "10.10.0.0/16", "203.0.113.7/32", "2001:db8::7/128",
        "fd00:10:2::/48", "0.0.0.0/0"];

    private static readonly Gen<IDictionary<string, string>?> Labels =
        from app in Gen.Int[-1, 2] from tier in Gen.Int[-1, 2]
        select (IDictionary<string, string>)Keys.Zip([app, tier]).Where(pair => pair.Second >= 0)
            .ToDictionary(pair => pair.First, pair => Values[pair.Second]);

    private static readonly Gen<V1LabelSelectorRequirement> Expression =
        from key in One(Keys) from asked in One("In", "NotIn", "Exists", "DoesNotExist") from values in One(Values).Array[1, 2]
        select new V1LabelSelectorRequirement { Key = key, OperatorProperty = asked, Values = asked is "In" or "NotIn" ? values : null! };

    private static readonly Gen<V1LabelSelector> Selector =
        from shape in Gen.Int[0, 3] from labels in Labels from expressions in Expression.Array[1, 2]
        select new V1LabelSelector { MatchLabels = shape is 1 or 3 ? labels : null, MatchExpressions = shape is 2 or 3
            ? expressions : null };

    private static readonly Gen<V1IPBlock> Block =
        from cidr in One(Blocks) from holes in One(Holes).Array[0, 3]
        select new V1IPBlock { Cidr = cidr, Except = [.. holes.Where(hole => IsWithin(cidr, hole))] };

    private static readonly Gen<V1NetworkPolicyPeer> Peer =
        from shape in Gen.Int[0, 3] from block in Block from pods in Selector from namespaces in Selector
        select new V1NetworkPolicyPeer { IpBlock = shape == 0 ? block : null, PodSelector = shape is 1 or 3 ? pods : null,
            NamespaceSelector = shape is 2 or 3 ? namespaces : null };

    private static readonly Gen<V1NetworkPolicyPort> Port =
        from protocol in One<string?>(null, "TCP", "UDP", "SCTP") from shape in Gen.Int[0, 3] from number in One(
            Numbers) from more in Gen.Int[0, 400] from name in One(PortNames)
        select new V1NetworkPolicyPort { Protocol = protocol, Port = shape == 0 ? null : shape == 1 ? name : number, EndPort = shape == 3
            ? number + more : null };

    private static readonly Gen<(V1NetworkPolicyPeer[]? Peers, V1NetworkPolicyPort[]? Ports)> Rule =
        from peers in Peer.Array[0, 3] from ports in Port.Array[0, 3] from absent in Gen.Bool
        select (absent && peers.Length == 0 ? null : peers, absent && ports.Length == 0 ? null : ports);

    private static readonly Gen<V1NetworkPolicy> Policy =
        from home in One(NamespaceNames) from pods in Selector from types in Gen.Int[0, 4] from ingress in Rule.Array[
            0, 2] from egress in Rule.Array[0, 2]
        select new V1NetworkPolicy
        {
            Metadata = new V1ObjectMeta { NamespaceProperty = home },
            Spec = new V1NetworkPolicySpec
            {
                PodSelector = pods,
                PolicyTypes = types switch { 0 => ["Ingress"], 1 => ["Egress"], 2 => ["Ingress", "Egress"], 3 => [], _ => null! },
                Ingress = [.. ingress.Select(rule => new V1NetworkPolicyIngressRule { FromProperty = rule.Peers, Ports = rule.Ports })],
                Egress = [.. egress.Select(rule => new V1NetworkPolicyEgressRule { To = rule.Peers, Ports = rule.Ports })],
            },
        };

    private static readonly Gen<V1Pod> Pod =
        from home in One(NamespaceNames) from labels in Labels from local in Gen.Bool from phase in One(
            "Running", "Running", "Running", "Pending", "Succeeded", "Failed")
        from hostNetwork in Gen.Int[0, 7] from families in Gen.Int[0, 4] from ports in (
            from name in One(PortNames) from number in One(Numbers) from protocol in One<string?>(null, "TCP", "UDP") select (
            name, number, protocol)).Array[0, 2]
        select new V1Pod
        {
            Metadata = new V1ObjectMeta { NamespaceProperty = home, Labels = labels },
            Spec = new V1PodSpec
            {
                NodeName = local ? "node-1" : "node-2", HostNetwork = hostNetwork == 0 ? true : null,
                Containers = [new V1Container { Name = "main", Ports = [
                    .. ports.Select(port =>
                    new V1ContainerPort { Name = port.name, ContainerPort = port.number, Protocol = port.protocol })] }],
            },
            Status = new V1PodStatus { Phase = phase, PodIPs = families switch { 0 => null, 1 => [V6], 2 => [V4, V6], _ => [V4] } },
        };

    private static Gen<T> One<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    private static V1PodIP V4 => new() { Ip = "v4" };
    private static V1PodIP V6 => new() { Ip = "v6" };

    /// <summary>A cluster, and the namespaces that are known of it.</summary>
    public static readonly Gen<World> Any =
        from pods in Pod.Array[1, 9] from policies in Policy.Array[0, 6] from labels in Labels.Array[3] from known in Gen.Int[2, 3]
        select Number(pods, policies, [.. NamespaceNames.Take(known)
            .Select((name, i) => new V1Namespace { Metadata = new V1ObjectMeta { Name = name, Labels = labels[i] } })]);

    /// <summary>Packets between all that has an address, one that no pod has, and the outside.</summary>
    public static IEnumerable<Packet> Packets(World world)
    {
        var addresses = world.Pods.SelectMany(pod => pod.Status.PodIPs ?? []).Select(own => own.Ip).Concat(Outside).Append("10.10.1.200")
            .Append("fd00:10:1::200").ToList();
        return from source in addresses from destination in addresses
               where source != destination && source.Contains(':', StringComparison.Ordinal) == destination.Contains(
                   ':', StringComparison.Ordinal)
               from protocol in Protocols from port in Numbers
               select new Packet(source, destination, protocol, port);
    }

    /// <summary>Gives each pod and policy a name, and each pod addresses of its own in its node's networks.</summary>
    private static World Number(V1Pod[] pods, V1NetworkPolicy[] policies, IReadOnlyList<V1Namespace> namespaces) =>
        new("node-1", ["10.10.1.0/24", "fd00:10:1::/64"], namespaces,
        [.. pods.Select((pod, i) => pod with
        {
            Metadata = pod.Metadata with { Name = $"pod-{i}" },
            Status = pod.Status with { PodIPs = pod.Status.PodIPs?.Select(
                own => new V1PodIP { Ip = own.Ip == "v4" ? $"10.10.{Node(pod)}.{i + 2}" : $"fd00:10:{Node(pod)}::{i + 2}" }).ToList() },
        })],
        [.. policies.Select((policy, i) => policy with { Metadata = policy.Metadata with { Name = $"policy-{i}" } })]);

    private static char Node(V1Pod pod) => pod.Spec.NodeName[^1];

    private static bool IsWithin(string cidr, string hole)
    {
        var (outer, inner) = (System.Net.IPNetwork.Parse(cidr), System.Net.IPNetwork.Parse(hole));
        return outer.BaseAddress.AddressFamily == inner.BaseAddress.AddressFamily && outer.PrefixLength <= inner.PrefixLength
            && outer.Contains(inner.BaseAddress);
    }
}
