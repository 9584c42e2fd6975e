using System.Net;
using Operos.Policy.Cluster;
using Operos.Policy.Compiling;
using Operos.Policy.Policies;
using Operos.Policy.Tests.Packets;
using k8s.Models;

namespace Operos.Policy.Tests;

/// <summary>Whose address it is, and which rules pods share.</summary>
public sealed class ClusterViewTests
{
    private static readonly NodeView Node = new(PodLab.Node, ["10.10.1.0/24"]);

    [Fact]
    public void An_address_that_two_pods_claim_is_the_younger_ones()
    {
        var view = new ClusterView();
        view.Set(Aged("a", "10.10.1.9", 2));
        view.Set(Aged("b", "10.10.1.9", 1));
        view.Set(Deny("shop", "web"));
        Assert.StartsWith("jump", Verdict(view, "10.10.1.9"), StringComparison.Ordinal);
        view.Set(Aged("b", "10.10.1.9", 3));
        Assert.Equal("accept", Verdict(view, "10.10.1.9"));
    }

    [Fact]
    public void What_the_pod_network_assigned_comes_before_what_a_status_says()
    {
        var view = new ClusterView();
        view.Set(Aged("a", "10.10.1.9", 2));
        view.Assign(new ObjectKey("shop", "b"), "uid-b", [IPAddress.Parse("10.10.1.9")]);
        Assert.Null(Verdict(view, "10.10.1.9"));
        view.Set(Aged("b", "10.10.1.77", 1, "uid-before"));
        Assert.Null(Verdict(view, "10.10.1.9"));
        view.Set(Aged("b", "10.10.1.77", 3, "uid-b"));
        Assert.Equal("accept", Verdict(view, "10.10.1.9"));
        Assert.Null(Verdict(view, "10.10.1.77"));
        view.Release(new ObjectKey("shop", "b"), "uid-before");
        Assert.Equal("accept", Verdict(view, "10.10.1.9"));
        view.Release(new ObjectKey("shop", "b"), "uid-b");
        view.RemovePod(new ObjectKey("shop", "a"));
        Assert.Null(Verdict(view, "10.10.1.9"));
    }

    [Theory]
    [InlineData("Succeeded", false), InlineData("Failed", false), InlineData("Running", true), InlineData("Unknown", true),
        InlineData("Pending", true)]
    public void A_pod_that_has_ended_owns_nothing(string phase, bool owns)
    {
        var view = new ClusterView();
        view.Set(PodLab.Pod("a"));
        var ended = PodLab.Pod("a");
        view.Set(ended with { Status = ended.Status with { Phase = phase } });
        Assert.Equal(owns, Verdict(view, "10.10.1.2") is not null);
    }

    [Fact]
    public void Policies_that_say_the_same_share_chains_and_sets()
    {
        var view = new ClusterView();
        view.ReplacePods([PodLab.Pod("a"), PodLab.Pod("b"), PodLab.Pod("c")]);
        V1NetworkPolicy Same(string name, V1LabelSelector peer) =>
            Case.Policy("shop", Case.Everything, ingress: [Case.In([Case.Pods(peer)])], name: name);
        view.Set(Same("first", Case.App("web")));
        var one = PolicyCompiler.Compile(view, Node);
        view.Set(Same("second", new V1LabelSelector { MatchExpressions =
            [new V1LabelSelectorRequirement { Key = "app", OperatorProperty = "In", Values = ["web", "web"] }] }));
        var two = PolicyCompiler.Compile(view, Node);
        Assert.Equal(one.ToString(), two.ToString());
        Assert.Contains(two.Origins.Values, origins => origins.SequenceEqual(["shop/first", "shop/second"]));
    }

    [Fact]
    public void A_sidecar_s_port_has_a_name_and_an_init_container_s_none()
    {
        V1Container Container(string name, int port, string? restart) =>
            new() { Name = name, RestartPolicy = restart, Ports = [new V1ContainerPort { Name = name, ContainerPort = port }] };
        var pod = PodLab.Pod("a");
        pod = pod with { Spec = pod.Spec with { InitContainers = [Container("sidecar", 7001, "Always"), Container("setup", 7002, null)] } };
        var view = new ClusterView();
        view.Set(pod);
        view.Set(Case.Policy("shop", Case.Everything, ingress: [Case.In([], Case.Port("sidecar"), Case.Port("setup"))]));
        var text = PolicyCompiler.Compile(view, Node).ToString();
        Assert.Contains("10.10.1.2 . tcp . 7001", text, StringComparison.Ordinal);
        Assert.DoesNotContain("7002", text, StringComparison.Ordinal);
    }

    private static V1NetworkPolicy Deny(string home, string app) => Case.Policy(home, Case.App(app), ["Ingress", "Egress"]);

    private static string? Verdict(ClusterView view, string address) =>
        PolicyCompiler.Compile(view, Node).Maps["ingress4"].Elements.GetValueOrDefault(address);

    private static V1Pod Aged(string name, string address, int day, string? uid = null)
    {
        var pod = PodLab.Pod(name);
        return pod with { Metadata = pod.Metadata with { CreationTimestamp = new DateTime(2026, 1, day, 0, 0, 0, DateTimeKind.Utc),
            Uid = uid }, Status = new V1PodStatus { Phase = "Running", PodIPs = [new V1PodIP { Ip = address }] } };
    }
}
