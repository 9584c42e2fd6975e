using k8s.Models;
using Operos.Kubernetes;
using Operos.Node.Network;

namespace Operos.Node.Tests;

public sealed class ClusterNodesTests
{
    [Fact]
    public void Only_what_the_network_depends_on_is_news()
    {
        var nodes = new ClusterNodes();
        Assert.False(nodes.IsAbsent("a"));
        Assert.True(nodes.Take(new WatchChange<V1Node>(WatchKind.Listed, [Node("a", null), Node("b", "10.10.1.0/24")])));
        Assert.False(nodes.Take(new WatchChange<V1Node>(WatchKind.Listed, [Node("a", null), Node("b", "10.10.1.0/24")])));
        var busy = Node("b", "10.10.1.0/24");
        busy.Status.Conditions = [new V1NodeCondition { Type = "Ready", Status = "False" }];
        Assert.False(nodes.Take(new WatchChange<V1Node>(WatchKind.Changed, [busy])));
        Assert.True(nodes.Take(new WatchChange<V1Node>(WatchKind.Changed, [Node("a", "10.10.2.0/24")])));
        Assert.True(nodes.Take(new WatchChange<V1Node>(WatchKind.Removed, [Node("b", "10.10.1.0/24")])));
        Assert.Equal("10.10.2.0/24", Assert.Single(nodes.All).Pods.ToString());
        Assert.True(nodes.IsAbsent("b"));
    }

    [Fact]
    public void While_the_server_is_away_nothing_is_forgotten_and_nobody_is_absent()
    {
        var nodes = new ClusterNodes();
        nodes.Take(new WatchChange<V1Node>(WatchKind.Listed, [Node("a", "10.10.2.0/24")]));
        Assert.True(nodes.Take(new WatchChange<V1Node>(WatchKind.Interrupted, [], "refused")));
        Assert.Equal("refused", nodes.Problem);
        Assert.Single(nodes.All);
        Assert.False(nodes.IsAbsent("b"));
        Assert.True(nodes.Take(new WatchChange<V1Node>(WatchKind.Listed, [])));
        Assert.Null(nodes.Problem);
        Assert.Empty(nodes.All);
    }

    [Fact]
    public void Of_two_families_the_pod_network_takes_IPv4()
    {
        var node = Node("a", null);
        node.Spec.PodCIDRs = ["fd00::/64", "10.10.3.0/24"];
        node.Status.Addresses = [new V1NodeAddress { Type = "Hostname", Address = "a" }, new V1NodeAddress { Type = "InternalIP", Address = "fd01::1" }, new V1NodeAddress { Type = "InternalIP", Address = "10.77.0.9" }];
        var read = ClusterNodes.Read(node);
        Assert.Equal(("10.77.0.9", "10.10.3.0/24"), (read.Address!.ToString(), read.Pods.ToString()));
    }

    private static V1Node Node(string name, string? pods) => new()
    {
        Metadata = new V1ObjectMeta { Name = name },
        Spec = new V1NodeSpec { PodCIDR = pods },
        Status = new V1NodeStatus { Addresses = [new V1NodeAddress { Type = "InternalIP", Address = "10.77.0.9" }] },
    };
}
