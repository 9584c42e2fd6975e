using System.Net;
using k8s.Models;
using Operos.Policy.Cluster;
using Operos.Policy.Compiling;

namespace Operos.Policy.Tests.Packets;

/// <summary>
/// What policies say of the cluster's name server, which is no pod: here x, outside, behind the service's address that the node translates
/// as kube-proxy does.
/// </summary>
[Collection("packets")]
public sealed class NameServerTests
{
    private const string Service = "10.11.0.10";
    private static readonly string[] Everything = ["service UDP", "service TCP", "x UDP", "x TCP"];

    /// <param name="Allowed">Of <see cref="Everything"/>, to port 53; no other port of x is to be open.</param>
    private sealed record Usage(string Name, V1NetworkPolicyEgressRule Rule, string[] Allowed);

    private static readonly Usage[] Usages =
    [
        new("by the name of its namespace and its label", Case.Out([Peer(Label("kubernetes.io/metadata.name", "kube-system"),
            Label("k8s-app", "kube-dns"))], Case.Port(53, "UDP"), Case.Port(53, "TCP")), Everything),
        new("UDP alone", Case.Out([Peer(new(), Label("k8s-app", "kube-dns"))], Case.Port(53, "UDP")), ["service UDP", "x UDP"]),
        new("by the names of its ports", Case.Out([Peer(new(), Label("k8s-app", "kube-dns"))], Case.Port("dns", "UDP"),
            Case.Port("dns-tcp")), Everything),
        new("by its label, any port", Case.Out([Peer(Label("purpose", "system"), Label("k8s-app", "kube-dns"))]), Everything),
        new("by the service's address", Case.Out([Case.Block(Service + "/32")], Case.Port(53, "UDP"), Case.Port(53, "TCP")), Everything),
        new("by the services' network", Case.Out([Case.Block("10.11.0.0/16")]), Everything),
        new("the services' network without it", Case.Out([Case.Block("10.11.0.0/16", Service + "/32")]), []),
        new("another label", Case.Out([Peer(new(), Label("k8s-app", "other"))], Case.Port(53, "UDP")), []),
        new("pods of that label in the policy's own namespace", Case.Out([Case.Pods(Label("k8s-app", "kube-dns"))]), []),
        new("another port", Case.Out([Peer(new(), Label("k8s-app", "kube-dns"))], Case.Port(54, "UDP")), []),
    ];

    [Fact]
    public async Task Policies_that_allow_the_name_server_allow_its_port_and_nothing_else()
    {
        await using var lab = await PodLab.CreateAsync("policy-names");
        var (a, x) = (lab.Hosts["a"], lab.Hosts["x"]);
        await lab.NftAsync("add table ip services; add chain ip services prerouting { type nat hook prerouting priority dstnat; }; "
            + $"add rule ip services prerouting ip daddr {Service} dnat to {x.V4}");
        using var applier = lab.Applier();
        var system = new V1Namespace { Metadata = new V1ObjectMeta { Name = "kube-system",
            Labels = new Dictionary<string, string> { ["purpose"] = "system" } } };
        var node = new NodeView(PodLab.Node, lab.World.PodCidrs)
            { NameServer = ClusterNameServer.At(IPAddress.Parse(x.V4), IPAddress.Parse(Service)) };
        var wrong = new List<string>();
        foreach (var usage in Usages)
        {
            var world = lab.World with { Namespaces = [.. lab.World.Namespaces, system],
                Policies = [Case.Policy("shop", Case.App("web"), egress: [usage.Rule])] };
            await applier.ApplyAsync(PolicyCompiler.Compile(world.View(), node), default);
            foreach (var way in Everything)
            {
                var (address, protocol) = (way.StartsWith('s') ? Service : x.V4, way.Split(' ')[1]);
                var expected = usage.Allowed.Contains(way);
                if (await a.ReachesAsync(address, protocol, 53, expected) != expected)
                    wrong.Add($"{usage.Name}: {way} should be {(expected ? "allowed" : "denied")}");
            }
            if (await a.ReachesAsync(x, "TCP", 80, expected: false)) wrong.Add($"{usage.Name}: another port of x is open");
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong) + "\n" + await lab.NftAsync("list", "ruleset"));
    }

    private static V1LabelSelector Label(string key, string value) =>
        new() { MatchLabels = new Dictionary<string, string> { [key] = value } };

    private static V1NetworkPolicyPeer Peer(V1LabelSelector namespaces, V1LabelSelector pods) =>
        new() { NamespaceSelector = namespaces, PodSelector = pods };
}
