using System.Globalization;
using CsCheck;
using k8s.Models;
using Operos.Policy.Compiling;
using Operos.Policy.Nftables;
using Operos.Policy.Tests.Oracle;
using Operos.Policy.Tests.Packets;

namespace Operos.Policy.Tests;

/// <summary>
/// Policies that the API server should have refused, or that ask for too much: they allow nothing, are told of, and leave others alone.
/// </summary>
public sealed class HostileTests
{
    private static readonly Packet FromB = new("10.10.1.3", "10.10.1.2", "TCP", 80), FromC = new("10.10.1.4", "10.10.1.2", "TCP", 80);

    public static TheoryData<string, V1NetworkPolicyPeer[], V1NetworkPolicyPort[]> BadRules => new()
    {
        { "from[0].ipBlock.cidr", [Case.Block("10.0.0.0/33")], [] },
        { "from[0].ipBlock.cidr", [Case.Block("10.0.0.0")], [] },
        { "from[0].ipBlock.cidr", [Case.Block("010.10.1.3/32")], [] },
        { "from[0].ipBlock.cidr", [Case.Block("::ffff:10.10.1.3/128")], [] },
        { "from[0].ipBlock.cidr", [Case.Block("0.0.0.0/0 } ; flush ruleset ; {")], [] },
        { "from[0].ipBlock.cidr", [new V1NetworkPolicyPeer { IpBlock = new V1IPBlock() }], [] },
        { "from[0].ipBlock.except[1]", [Case.Block("10.10.0.0/16", "10.10.7.0/24", "11.0.0.0/8")], [] },
        { "from[0].ipBlock.except[0]", [Case.Block("10.10.0.0/16", "nothing")], [] },
        { "from[0]", [new V1NetworkPolicyPeer()], [] },
        { "from[0]", [null!], [] },
        { "from[0]", [new V1NetworkPolicyPeer { IpBlock = new V1IPBlock { Cidr = "0.0.0.0/0" }, PodSelector = new V1LabelSelector() }],
            [] },
        { "from[0].podSelector", [Case.Pods(Expression("app", "Is", "api"))], [] },
        { "from[0].podSelector", [Case.Pods(Expression("app", "In"))], [] },
        { "from[0].namespaceSelector", [new V1NetworkPolicyPeer { NamespaceSelector = Expression("app", "Exists", "x") }], [] },
        { "ports[0].protocol", [], [Case.Port(80, "ICMP")] },
        { "ports[0].protocol", [], [null!] },
        { "ports[0].port", [], [Case.Port(0)] },
        { "ports[0].port", [], [Case.Port(65536)] },
        { "ports[0].port", [], [Case.Port(-1)] },
        { "ports[0].endPort", [], [Case.Port(80, end: 79)] },
        { "ports[0].endPort", [], [Case.Port(80, end: 70000)] },
        { "ports[0].endPort", [], [Case.Port("http", end: 80)] },
        { "ports[0].endPort", [], [new V1NetworkPolicyPort { EndPort = 80 }] },
    };

    [Theory, MemberData(nameof(BadRules), DisableDiscoveryEnumeration = true)]
    public void What_is_not_valid_allows_nothing_and_is_told(string field, V1NetworkPolicyPeer[] from, V1NetworkPolicyPort[] ports)
    {
        var ruleset = Compile(Case.Policy("shop", Case.App("web"), ingress: [Case.In(from, ports)]));
        Assert.False(Accepts(ruleset, FromB));
        var problem = Assert.Single(ruleset.Problems);
        Assert.Equal(("networkpolicy shop/first", $"spec.ingress[0].{field}"), (problem.Subject, problem.Field));
        Assert.DoesNotContain(problem.ToString(), char.IsControl);
        // The rest of the policy, and of the others, holds.
        Assert.True(Accepts(Compile(Case.Policy("shop", Case.App("web"),
            ingress: [Case.In(from, ports), Case.In([Case.Pods(Case.App("api"))])])), FromB));
        Assert.False(Accepts(Compile(Case.Policy("shop", Case.App("web"),
            ingress: [Case.In(from, ports), Case.In([Case.Pods(Case.App("api"))])])), FromC));
    }

    [Fact]
    public void A_policy_whose_own_reach_is_not_valid_isolates_and_allows_nothing()
    {
        var selector = Compile(Case.Policy("shop", Expression("app", "Sounds", "web"), ingress: [Case.In([])]));
        Assert.Equal((false, "spec.podSelector"), (Accepts(selector, FromB), Assert.Single(selector.Problems).Field));
        var types = Compile(Case.Policy("shop", Case.App("web"), ["Ingress", "Sideways"], ingress: [Case.In([])]));
        Assert.Equal((false, "spec.policyTypes"), (Accepts(types, FromB), Assert.Single(types.Problems).Field));
        // Other namespaces do not notice.
        Assert.True(Accepts(selector, new Packet("203.0.113.7", "10.10.1.4", "TCP", 80)));
    }

    [Fact]
    public void No_text_of_a_tenant_stands_in_a_ruleset()
    {
        const string Poison = "x\" } ; flush ruleset # $(reboot)\n{";
        var policy = Case.Policy("shop", new V1LabelSelector { MatchLabels = new Dictionary<string, string> { [Poison] = Poison } },
            ingress: [Case.In([Case.Pods(Expression(Poison, "NotIn", Poison)), Case.Block(Poison, Poison)], Case.Port(Poison),
                Case.Port(Poison, Poison))], name: Poison);
        var pod = PodLab.Pod("a");
        pod = pod with { Metadata = pod.Metadata with { Name = Poison, Labels = new Dictionary<string, string> { [Poison] = Poison } },
            Spec = new V1PodSpec { NodeName = PodLab.Node,
            Containers = [new V1Container { Name = Poison, Ports = [new V1ContainerPort { Name = Poison, ContainerPort = 80 }] }] } };
        var liar = PodLab.Pod("b") with { Status = new V1PodStatus { PodIPs = [new V1PodIP { Ip = Poison }] } };
        var ruleset = PolicyCompiler.Compile(new World(PodLab.Node, ["10.10.1.0/24"], [], [pod, liar], [policy]).View(),
            new NodeView(PodLab.Node, ["10.10.1.0/24"]));
        Assert.True(ruleset.Sets.Count > 2);
        Assert.All(ruleset.ToString(), c => Assert.True(char.IsAsciiLetterOrDigit(c)
            || " \n{}:;,.@-+=*\"_".Contains(c, StringComparison.Ordinal), $"'{c}'"));
        Assert.DoesNotContain("flush", ruleset.ToString(), StringComparison.Ordinal);
        Assert.Contains(ruleset.Problems, problem => problem.Field == "status.podIPs");
    }

    [Fact]
    public void Thousands_of_ports_are_merged_and_too_many_refused()
    {
        var every = Compile(Case.Policy("shop", Case.App("web"),
            ingress: [Case.In([], [.. Enumerable.Range(1, 20_000).Select(port => Case.Port(port))])]));
        Assert.True(Accepts(every, FromB) && every.Size.Elements < 20 && every.Problems.Count == 0, every.Size.ToString());
        var odd = Compile(Case.Policy("shop", Case.App("web"),
            ingress: [Case.In([Case.Block("10.0.0.0/8"), Case.Pods(Case.Everything)],
            [.. Enumerable.Range(0, 8_000).Select(i => Case.Port(2 * i + 1))])]));
        Assert.True(Accepts(odd, FromB with { Port = 81 }) && !Accepts(odd, FromB) && odd.Size.Elements < 8_100, odd.Size.ToString());
        var most = Compile(Case.Policy("shop", Case.App("web"),
            ingress: [Case.In([], [.. Enumerable.Range(0, 20_000).Select(i => Case.Port(2 * i + 1))])]));
        Assert.Equal((false, "spec.ingress[0]"), (Accepts(most, FromB with { Port = 81 }), Assert.Single(most.Problems).Field));
    }

    [Fact]
    public void Peers_times_named_ports_are_bounded_before_they_are_made()
    {
        var peers = Enumerable.Range(0, 3_000).Select(i => Case.Pods(Case.App($"web-{i}"))).ToArray();
        var ports = Enumerable.Range(0, 3_000).Select(i => Case.Port($"port-{i}")).ToArray();
        var ruleset = Compile(Case.Policy("shop", Case.App("web"), ingress: [Case.In([Case.Pods(Case.App("api"))])], name: "sound"),
            Case.Policy("shop", Case.App("web"), ingress: [Case.In(peers, ports)], name: "vast"));
        Assert.Contains("2000 rules", Assert.Single(ruleset.Problems).Text, StringComparison.Ordinal);
        Assert.True(ruleset.Size.Rules < 50 && Accepts(ruleset, FromB));
    }

    [Fact]
    public void A_namespace_that_takes_too_much_hurts_itself_alone()
    {
        var greedy = Enumerable.Range(0, 20).Select(i => Case.Policy(
            "lab", Case.Everything, ingress: [Case.In([new V1NetworkPolicyPeer
            { NamespaceSelector = new V1LabelSelector(), PodSelector = Expression($"k{i}", "DoesNotExist") }])], name: $"greedy-{i:d2}"));
        var ruleset = PolicyCompiler.Compile(Lab([.. greedy,
            Case.Policy("shop", Case.App("web"), ingress: [Case.In([Case.Pods(Case.App("api"))])])])
            .View(new PolicyLimits { ElementsPerNamespace = 20 }), Lab().NodeView);
        Assert.True(ruleset.Problems.Count > 10);
        Assert.All(ruleset.Problems, problem => Assert.StartsWith("networkpolicy lab/greedy-", problem.Subject, StringComparison.Ordinal));
        Assert.True(Accepts(ruleset, FromB) && !Accepts(ruleset, FromC));
        Assert.True(ruleset.Size.Elements < 60, ruleset.Size.ToString());
    }

    [Fact]
    public void No_address_text_is_read_otherwise_than_the_kernel_would() => Gen.String[Gen.Char["0123456789abcf.:/"], 0, 24].Sample(text =>
    {
        if (!Operos.Policy.Addresses.AddressRange.TryParseCidr(text, out var range)) return;
        // What is taken, others read alike.
        var network = text.Split('/');
        Assert.True(System.Net.IPAddress.TryParse(network[0], out var address));
        var bits = address.GetAddressBytes().Length * 8;
        var free = bits - int.Parse(network[1], CultureInfo.InvariantCulture);
        Assert.Equal(free == 128 ? UInt128.MaxValue : (UInt128.One << free) - 1, range.Last - range.First);
    }, iter: 20_000);

    private static V1LabelSelector Expression(string key, string asked, params string[] values) =>
        new() { MatchExpressions = [new V1LabelSelectorRequirement { Key = key, OperatorProperty = asked, Values = values }] };

    private static World Lab(params V1NetworkPolicy[] policies) =>
        new(PodLab.Node, ["10.10.1.0/24"], [new V1Namespace { Metadata = new V1ObjectMeta { Name = "shop" } },
        new V1Namespace { Metadata = new V1ObjectMeta { Name = "lab" } }], [PodLab.Pod("a"), PodLab.Pod("b"), PodLab.Pod("c")], policies);

    private static Ruleset Compile(params V1NetworkPolicy[] policies) => PolicyCompiler.Compile(Lab(policies).View(), Lab().NodeView);

    private static bool Accepts(Ruleset ruleset, Packet packet)
    {
        var kernel = new NftInterpreter();
        kernel.Run(RulesetTransaction.Replacing(ruleset).Text);
        return kernel.Accepts(packet, address => address.StartsWith("10.10.1.", StringComparison.Ordinal));
    }
}
