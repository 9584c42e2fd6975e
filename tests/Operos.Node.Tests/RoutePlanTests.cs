using System.Net;
using CsCheck;
using Operos.Node.Network;

namespace Operos.Node.Tests;

public sealed class RoutePlanTests
{
    private static readonly IPNetwork Pods = IPNetwork.Parse("10.10.0.0/16");

    [Fact]
    public void Each_other_node_has_a_route_and_the_rest_of_the_pod_network_leads_nowhere()
    {
        var routes = RoutePlan.Make(Pods, "a", [Node("a", "10.77.0.1", "10.10.0.0/24"), Node("b", "10.77.0.2", "10.10.1.0/24"),
            Node("c", null, "10.10.2.0/24"), Node("d", "10.77.0.4", null)], out var problems);
        Assert.Equal(["unreachable 10.10.0.0/16", "10.10.1.0/24 via 10.77.0.2"], routes.Select(route => route.ToString()));
        Assert.Empty(problems);
    }

    [Theory]
    [InlineData("0.0.0.0/0", "10.77.0.9", "not within")]
    [InlineData("10.10.0.0/16", "10.77.0.9", "not within")]
    [InlineData("10.77.0.0/24", "10.77.0.9", "not within")]
    [InlineData("10.10.1.0/25", "10.77.0.9", "also claimed by node b")]
    [InlineData("10.10.0.0/23", "10.77.0.9", "also claimed by node b")]
    [InlineData("10.10.9.0/24", "10.10.1.7", "lies within the pod network")]
    public void A_node_cannot_claim_what_is_not_its(string pods, string address, string problem)
    {
        var routes = RoutePlan.Make(Pods, "a", [new ClusterNode("bad", IPAddress.Parse(address), IPNetwork.Parse(pods), 2),
            Node("b", "10.77.0.2", "10.10.1.0/24")], out var problems);
        Assert.Equal(["unreachable 10.10.0.0/16", "10.10.1.0/24 via 10.77.0.2"], routes.Select(route => route.ToString()));
        Assert.Contains(problem, Assert.Single(problems), StringComparison.Ordinal);
    }

    [Fact]
    public void Whatever_nodes_claim_no_address_has_two_ways()
    {
        var node = from name in Gen.Int[0, 9]
                   from third in Gen.Int[0, 12]
                   from second in Gen.Int[9, 11]
                   from prefix in Gen.Int[14, 30]
                   from age in Gen.Int[0, 3]
                   select new ClusterNode($"n{name}", IPAddress.Parse($"10.77.0.{name + 1}"), Network(second, third, prefix), age);
        node.List[0, 12].Sample(nodes =>
        {
            var routes = RoutePlan.Make(Pods, "n0", nodes.DistinctBy(item => item.Name), out _).Where(route => route.Via is not null)
                .ToList();
            foreach (var route in routes) Assert.True(Pods.Contains(route.Pods.BaseAddress) && route.Pods.PrefixLength > 16);
            foreach (var (one, other) in routes.SelectMany((one, i) => routes.Skip(i + 1).Select(other => (one, other))))
                Assert.False(one.Pods.Contains(other.Pods.BaseAddress) || other.Pods.Contains(one.Pods.BaseAddress));
            Assert.DoesNotContain(routes, route => route.Via!.Equals(IPAddress.Parse("10.77.0.1")));
        });
    }

    private static IPNetwork Network(int second, int third, int prefix)
    {
        var bits = (10u << 24 | (uint)second << 16 | (uint)third << 8) & (uint.MaxValue << (32 - prefix));
        return new IPNetwork(new IPAddress([(byte)(bits >> 24), (byte)(bits >> 16), (byte)(bits >> 8), (byte)bits]), prefix);
    }

    private static ClusterNode Node(string name, string? address, string? pods) =>
        new(name, address is null ? null : IPAddress.Parse(address), pods is null ? null : IPNetwork.Parse(pods), 1);
}
