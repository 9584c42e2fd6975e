using System.Globalization;
using Operos.Kubernetes.Objects;
using Operos.Policy.Addresses;

namespace Operos.Policy.Policies;

/// <summary>
/// Reads a NetworkPolicy (networking.k8s.io/v1). An entry that is not valid allows nothing, and the rest stays; where the
/// policy's own reach is not valid, it isolates and allows nothing.
/// </summary>
internal sealed class PolicyReader
{
    private readonly List<PolicyProblem> problems = [];
    private readonly ObjectKey key;
    private readonly PolicyLimits limits;

    private PolicyReader(ObjectKey key, PolicyLimits limits) => (this.key, this.limits) = (key, limits);

    public static Policy Read(ObjectKey key, NetworkPolicyObject policy, PolicyLimits limits) =>
        new PolicyReader(key, limits).Read(policy.Spec) with { Edition = (policy.Metadata?.Uid, policy.Metadata?.Generation ?? 0) };

    private Policy Read(NetworkPolicySpec? spec)
    {
        var pods = Selector.Read(spec?.PodSelector ?? new LabelSelector(), out var problem);
        if (pods is null) return Refuse("spec.podSelector", problem + "; every pod of the namespace is isolated");
        // Without policyTypes a policy is about ingress, and about egress only if it has rules for it.
        var types = spec?.PolicyTypes is { Count: > 0 } given ? given : spec?.Egress is { Count: > 0 }
            ? ["Ingress", "Egress"] : ["Ingress"];
        if (types.FirstOrDefault(type => type is not ("Ingress" or "Egress"), "Ingress") is var odd && odd is not ("Ingress" or "Egress"))
            return Refuse("spec.policyTypes", $"{PolicyProblem.Quote(odd)} is no policy type; the policy allows nothing", pods);
        IReadOnlyList<PolicyRule>? ingress = types.Contains("Ingress")
            ? [.. (spec?.Ingress ?? []).Select((rule, i) => ReadRule($"spec.ingress[{i}]", "from", rule?.From, rule?.Ports))] : null;
        IReadOnlyList<PolicyRule>? egress = types.Contains("Egress")
            ? [.. (spec?.Egress ?? []).Select((rule, i) => ReadRule($"spec.egress[{i}]", "to", rule?.To, rule?.Ports))] : null;
        return new Policy(key, pods, ingress, egress, problems);
    }

    private Policy Refuse(string field, string text, Selector? pods = null)
    {
        Tell(field, text);
        return new Policy(key, pods ?? Selector.Read(new LabelSelector(), out _)!, [], [], problems);
    }

    private PolicyRule ReadRule(string field, string peersName, IReadOnlyList<NetworkPolicyPeer?>? peers,
        IReadOnlyList<NetworkPolicyPort?>? ports)
    {
        var rule = new PolicyRule(peers is { Count: > 0 } ? ReadPeers($"{field}.{peersName}", peers) : null, ports is { Count: > 0 }
            ? ReadPorts($"{field}.ports", ports) : null);
        var ranges = (rule.Peers?.Blocks.Count ?? 0) + (rule.Ports?.Ranges.Count ?? 0);
        if (ranges <= limits.RangesPerRule) return rule;
        Tell(field, $"{ranges} ranges, at most {limits.RangesPerRule} are enforced; the rule allows nothing");
        return new PolicyRule(new PolicyPeers([], []), null);
    }

    private PolicyPeers ReadPeers(string field, IReadOnlyList<NetworkPolicyPeer?> peers)
    {
        var selectors = new List<PeerSelector>();
        var blocks = new List<AddressRange>();
        for (var i = 0; i < peers.Count; i++)
        {
            var at = $"{field}[{i}]";
            switch (peers[i])
            {
                case { IpBlock: { } block, NamespaceSelector: null, PodSelector: null }: blocks.AddRange(
                    ReadBlock($"{at}.ipBlock", block)); break;
                case { IpBlock: null } peer when peer.NamespaceSelector is not null || peer.PodSelector is not null:
                    if (ReadSelectors(at, peer) is { } selector) selectors.Add(selector);
                    break;
                default: Tell(at, "is neither an ipBlock nor selectors; it allows nobody"); break;
            }
        }
        return new PolicyPeers([.. selectors.DistinctBy(selector => selector.Identity)], AddressRange.Merge(blocks));
    }

    private PeerSelector? ReadSelectors(string field, NetworkPolicyPeer peer)
    {
        string problem;
        Selector? namespaces = null;
        if (peer.NamespaceSelector is not null && (namespaces = Selector.Read(peer.NamespaceSelector, out problem)) is null)
        {
            Tell($"{field}.namespaceSelector", $"{problem}; it allows nobody");
            return null;
        }
        if (Selector.Read(peer.PodSelector ?? new LabelSelector(), out problem) is { } pods)
            return new PeerSelector(namespaces is null ? key.Namespace : null, namespaces, pods);
        Tell($"{field}.podSelector", $"{problem}; it allows nobody");
        return null;
    }

    private IEnumerable<AddressRange> ReadBlock(string field, AddressBlock block)
    {
        if (!AddressRange.TryParseCidr(block.Cidr, out var whole))
        {
            Tell($"{field}.cidr", $"{PolicyProblem.Quote(block.Cidr)} is not a network; it allows nobody");
            return [];
        }
        var holes = new List<AddressRange>();
        for (var i = 0; i < (block.Except?.Count ?? 0); i++)
        {
            if (AddressRange.TryParseCidr(block.Except![i], out var hole) && whole.Contains(hole)) { holes.Add(hole); continue; }
            // To leave the exception out would open what somebody wanted closed.
            Tell($"{field}.except[{i}]",
                $"{PolicyProblem.Quote(block.Except[i])} is not a network within {block.Cidr}; the block allows nobody");
            return [];
        }
        return whole.Without(holes);
    }

    private PolicyPorts ReadPorts(string field, IReadOnlyList<NetworkPolicyPort?> ports)
    {
        var ranges = new List<PortRange>();
        var names = new List<PortName>();
        for (var i = 0; i < ports.Count; i++)
        {
            var (port, at) = (ports[i], $"{field}[{i}]");
            if (port is null || !Protocols.TryParse(port.Protocol, out var protocol))
                Tell($"{at}.protocol", $"{PolicyProblem.Quote(port?.Protocol)} is no protocol of policies; it allows nothing");
            else if (port.Port is not { Length: > 0 } value)
            {
                if (port.EndPort is null) ranges.Add(new PortRange(protocol, 0, PortRange.Highest));
                else Tell($"{at}.endPort", "has no port before it; it allows nothing");
            }
            else if (value.All(c => char.IsAsciiDigit(c) || c == '-')) ReadNumber(at, protocol, value, port.EndPort, ranges);
            else if (port.EndPort is not null) Tell($"{at}.endPort", "goes with a number, not with a name; it allows nothing");
            else names.Add(new PortName(protocol, value));
        }
        return new PolicyPorts(PortRange.Merge(ranges), [.. names.Distinct()]);
    }

    private void ReadNumber(string field, Protocol protocol, string value, int? endPort, List<PortRange> ranges)
    {
        if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var first) || first is < 1 or > PortRange.Highest)
            Tell($"{field}.port", $"{PolicyProblem.Quote(value)} is no port; it allows nothing");
        else if (endPort is { } last && (last < first || last > PortRange.Highest))
            Tell($"{field}.endPort", $"{last} is no port from {first} on; it allows nothing");
        else ranges.Add(new PortRange(protocol, first, endPort ?? first));
    }

    /// <summary>A policy of thousands of bad entries is told of, not printed.</summary>
    private const int MostProblems = 16;

    private void Tell(string field, string text)
    {
        if (problems.Count < MostProblems) problems.Add(new PolicyProblem(Policy.SubjectOf(key), field, text));
        else if (problems.Count == MostProblems) problems.Add(new PolicyProblem(Policy.SubjectOf(key), "spec", "and more"));
    }
}
