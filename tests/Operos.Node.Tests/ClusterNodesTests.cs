using Operos.Kubernetes.Objects;
using Operos.Kubernetes.Watching;
using Operos.Node.Network;

namespace Operos.Node.Tests;

public sealed class ClusterNodesTests
{
    [Fact]
    public void Only_what_the_network_depends_on_is_news()
    {
        var nodes = new ClusterNodes();
        Assert.False(nodes.IsAbsent("a"));
        Assert.True(nodes.Take(Told(1, null, Node("a", null), Node("b", "10.10.1.0/24"))));
        Assert.False(nodes.Take(Told(1, null, Node("a", null), Node("b", "10.10.1.0/24"))));
        // The cache takes two that are equal for the same.
        var busy = Node("b", "10.10.1.0/24");
        busy.Status!.Conditions = [new ObjectCondition { Type = "Ready", Status = "False" }];
        Assert.Equal(ClusterNodes.Read(Node("b", "10.10.1.0/24")), ClusterNodes.Read(busy));
        Assert.NotEqual(ClusterNodes.Read(Node("b", "10.10.2.0/24")), ClusterNodes.Read(busy));
        Assert.True(nodes.Take(Told(2, null, Node("a", "10.10.2.0/24"), Node("b", "10.10.1.0/24"))));
        Assert.True(nodes.Take(Told(3, null, Node("a", "10.10.2.0/24"))));
        Assert.Equal("10.10.2.0/24", Assert.Single(nodes.All).Pods.ToString());
        Assert.True(nodes.IsAbsent("b"));
    }

    [Fact]
    public void While_the_server_is_away_nothing_is_forgotten_and_nobody_is_absent()
    {
        var nodes = new ClusterNodes();
        nodes.Take(Told(1, null, Node("a", "10.10.2.0/24")));
        Assert.True(nodes.Take(Told(1, "refused", Node("a", "10.10.2.0/24"))));
        Assert.Equal("refused", nodes.Problem);
        Assert.Single(nodes.All);
        Assert.False(nodes.IsAbsent("b"));
        Assert.True(nodes.Take(Told(2, null)));
        Assert.Null(nodes.Problem);
        Assert.Empty(nodes.All);
    }

    [Fact]
    public void Of_two_families_the_pod_network_takes_IPv4()
    {
        var node = Node("a", null);
        node.Spec!.PodCIDRs = ["fd00::/64", null, "10.10.3.0/24"];
        node.Status!.Addresses =
        [
            new NodeAddress { Type = "Hostname", Address = "a" }, null, new NodeAddress { Type = "InternalIP", Address = "fd01::1" },
            new NodeAddress { Type = "InternalIP", Address = "10.77.0.9" },
        ];
        var read = ClusterNodes.Read(node)!;
        Assert.Equal(("10.77.0.9", "10.10.3.0/24"), (read.Address!.ToString(), read.Pods.ToString()));
    }

    private static WatchSnapshot<ClusterNode> Told(long version, string? problem, params IEnumerable<NodeObject> nodes) =>
        new([.. nodes.Select(node => ClusterNodes.Read(node)!)], version, problem);

    private static NodeObject Node(string name, string? pods) => new()
    {
        Metadata = new ObjectMeta { Name = name },
        Spec = new NodeSpec { PodCIDR = pods },
        Status = new NodeStatus { Addresses = [new NodeAddress { Type = "InternalIP", Address = "10.77.0.9" }] },
    };
}
