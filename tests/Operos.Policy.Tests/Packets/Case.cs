using k8s.Models;

namespace Operos.Policy.Tests.Packets;

/// <summary>Policies, and what real packets must then do.</summary>
/// <param name="Flows">
/// Such as <c>+ b>a TCP 80</c>: allowed, or with <c>-</c> denied; <c>6</c> behind it for IPv6. What is not listed of the lab's common flows
/// is judged by the oracle.
/// </param>
public sealed record Case(string Name, IReadOnlyList<V1NetworkPolicy> Policies, IReadOnlyList<string> Flows)
{
    public override string ToString() => Name;

    public static readonly IReadOnlyList<Case> All =
    [
        new("no policy", [], ["+ b>a TCP 80", "+ x>a TCP 80", "+ a>x UDP 53", "+ d>c TCP 80 6", "+ a>b TCP 443 6"]),
        new("default deny ingress", [Policy("shop", Everything, ["Ingress"])],
            ["- b>a TCP 80", "- c>a TCP 80", "- x>b UDP 53", "- d>a TCP 80", "+ a>x TCP 80", "+ a>c TCP 80", "+ b>d UDP 53", "+ x>c TCP 80",
                "- e>a TCP 80 6"]),
        new("default deny egress", [Policy("shop", Everything, ["Egress"])],
            ["- a>b TCP 80", "- a>x UDP 53", "- b>d TCP 80", "+ c>a TCP 80", "+ x>a TCP 80", "+ d>a TCP 80", "- a>x TCP 80 6"]),
        new("default deny both", [Policy("shop", Everything, ["Ingress", "Egress"])],
            ["- a>b TCP 80", "- c>a TCP 80", "- a>c TCP 80", "+ c>x TCP 80", "+ e>c TCP 80"]),
        new("allow by pod label", [Policy("shop", App("web"), ingress: [In([Pods(App("api"))])])],
            ["+ b>a TCP 80", "- c>a TCP 80", "- d>a TCP 80", "- e>a TCP 80", "- x>a TCP 80", "+ c>b TCP 80", "+ b>a TCP 80 6",
            "- d>a TCP 80 6"]),
        new("allow by namespace", [Policy("shop", App("web"), ingress: [In([Namespaces(Team("lab"))])])],
            ["+ c>a TCP 80", "+ e>a UDP 53", "- b>a TCP 80", "- d>a TCP 80", "- x>a TCP 80"]),
        new("allow by namespace and pod", [Policy("shop", App("web"), ingress: [In([Both(Team("lab"), App("api"))])])],
            ["+ e>a TCP 80", "- c>a TCP 80", "- b>a TCP 80", "+ e>a TCP 443 6"]),
        new("allow by namespace or pod", [Policy("shop", App("web"), ingress: [In([Namespaces(Team("lab")), Pods(App("api"))])])],
            ["+ e>a TCP 80", "+ c>a TCP 80", "+ b>a TCP 80", "- d>a TCP 80"]),
        new("expressions", [Policy("shop", Everything, ingress: [
            In([Both(Expression("team", "Exists"), Expression("app", "NotIn", "db", "web"))])])],
            ["+ b>a TCP 80", "- d>a TCP 80", "- c>a TCP 80", "+ e>b TCP 80", "- x>a TCP 80"]),
        new("block except", [Policy("shop", Everything, ingress: [In([Block("0.0.0.0/0", "10.10.1.4/32", "10.10.2.0/24")])])],
            ["+ x>a TCP 80", "+ b>a TCP 80", "- c>a TCP 80", "- d>a UDP 53", "- x>a TCP 80 6"]),
        new("block except, egress", [Policy("lab", Everything,
            egress: [Out([Block("203.0.113.0/24", "203.0.113.128/25"), Block("2001:db8::/32")])])],
            ["+ c>x TCP 80", "- c>a TCP 80", "- c>e TCP 80", "+ c>x UDP 53 6", "+ a>c TCP 80"]),
        new("numbered port", [Policy("shop", App("web"), ingress: [In([], Port(80))])],
            ["+ b>a TCP 80", "+ x>a TCP 80 6", "- b>a TCP 81", "- b>a UDP 80"]),
        new("named port differs between pods", [Policy("shop", Everything, ingress: [In([], Port("http"))])],
            ["+ c>a TCP 80", "- c>a TCP 81", "+ c>b TCP 81", "- c>b TCP 80", "+ e>b TCP 81 6", "- e>b TCP 80 6"]),
        new("named port, egress", [Policy("lab", Everything, egress: [Out([Namespaces(Team("shop"))], Port("http"))])],
            ["+ c>a TCP 80", "- c>a TCP 81", "+ c>b TCP 81", "- c>b TCP 80", "+ c>d TCP 81", "- c>x TCP 80", "- c>e TCP 81"]),
        new("range of ports", [Policy("shop", Everything, ingress: [In([], Port(8080, end: 8090), Port(443))])],
            ["+ b>a TCP 8080", "+ c>a TCP 8085", "+ x>b TCP 443", "- b>a TCP 80", "- b>a UDP 80"]),
        new("UDP", [Policy("shop", Everything, ingress: [In([], Port(53, "UDP"))])],
            ["+ c>a UDP 53", "- c>a UDP 80", "- c>a TCP 80", "+ x>b UDP 53 6"]),
        new("protocol alone", [Policy("shop", Everything, ingress: [In([], new V1NetworkPolicyPort { Protocol = "UDP" })])],
            ["+ c>a UDP 53", "+ c>a UDP 80", "- c>a TCP 80"]),
        new("union of two", [Policy("shop", App("web"), ingress: [In([Pods(App("api"))], Port(80))]),
            Policy("shop", Everything, ingress: [In([Namespaces(Team("lab"))], Port(443))], name: "second")],
            ["+ b>a TCP 80", "- b>a TCP 443", "+ c>a TCP 443", "- c>a TCP 80", "+ c>b TCP 443", "- a>b TCP 80"]),
        new("both sides must allow", [Policy("shop", App("web"), ingress: [In([Pods(App("api"))])]),
            Policy("shop", App("api"), egress: [Out([Block("203.0.113.0/24")])], name: "second")],
            ["- b>a TCP 80", "+ b>x TCP 80", "- c>a TCP 80", "+ a>b TCP 80"]),
        new("same node, both sides", [Policy("lab", Everything, egress: [Out([Both(Team("shop"), App("web"))], Port(80))]),
            Policy("shop", Everything, ingress: [In([Namespaces(Team("lab"))], Port(80))])],
            ["+ c>a TCP 80", "- c>a TCP 81", "- c>b TCP 80", "- b>a TCP 80", "+ e>b TCP 80"]),
        new("allow all again", [Policy("shop", Everything, ["Ingress", "Egress"]),
            Policy("shop", Everything, ["Ingress", "Egress"], ingress: [In([])], egress: [Out([])], name: "second")],
            ["+ b>a TCP 80", "+ a>x UDP 53", "+ x>a TCP 80 6"]),
        new("hostile beside sound", [Policy("shop", App("web"),
            ingress: [In([Block("10.0.0.0/8\n\"; flush ruleset"), Block("10.10.1.4/33"), Pods(App("a\nb } accept"))])], name: "x\"; drop"),
            Policy("lab", Everything, ingress: [In([Pods(Everything)])])],
            ["- b>a TCP 80", "- c>a TCP 80", "+ e>c TCP 80", "- b>c TCP 80"]),
    ];

    public static V1LabelSelector Everything => new();

    public static V1LabelSelector App(string value) => new() { MatchLabels = new Dictionary<string, string> { ["app"] = value } };

    public static V1LabelSelector Team(string value) => new() { MatchLabels = new Dictionary<string, string> { ["team"] = value } };

    public static V1NetworkPolicyPeer Pods(V1LabelSelector pods) => new() { PodSelector = pods };

    public static V1NetworkPolicyPeer Block(string cidr, params string[] except) =>
        new() { IpBlock = new V1IPBlock { Cidr = cidr, Except = except } };

    public static V1NetworkPolicyPort Port(IntOrString port, string? protocol = null, int? end = null) =>
        new() { Port = port, Protocol = protocol, EndPort = end };

    public static V1NetworkPolicyIngressRule In(V1NetworkPolicyPeer[] from, params V1NetworkPolicyPort[] ports) =>
        new() { FromProperty = from, Ports = ports };

    public static V1NetworkPolicyEgressRule Out(V1NetworkPolicyPeer[] to, params V1NetworkPolicyPort[] ports) =>
        new() { To = to, Ports = ports };

    public static V1NetworkPolicy Policy(string home, V1LabelSelector pods, string[]? types = null,
        V1NetworkPolicyIngressRule[]? ingress = null, V1NetworkPolicyEgressRule[]? egress = null, string name = "first") => new()
    {
        Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = home },
        Spec = new V1NetworkPolicySpec { PodSelector = pods, PolicyTypes = types
            ?? (egress is null ? null : ingress is null ? ["Egress"] : null), Ingress = ingress, Egress = egress },
    };

    private static V1NetworkPolicyPeer Namespaces(V1LabelSelector namespaces) => new() { NamespaceSelector = namespaces };

    private static V1NetworkPolicyPeer Both(V1LabelSelector namespaces, V1LabelSelector pods) =>
        new() { NamespaceSelector = namespaces, PodSelector = pods };

    private static V1LabelSelector Expression(string key, string asked, params string[] values) =>
        new() { MatchExpressions = [new V1LabelSelectorRequirement
        { Key = key, OperatorProperty = asked, Values = values.Length == 0 ? null! : values }] };
}
