using Operos.Policy.Addresses;
using Operos.Policy.Policies;

namespace Operos.Policy.Compiling;

/// <summary>The nftables rules of one policy in one direction: a packet that one of them accepts is allowed, any other returns.</summary>
internal sealed class PolicyChain
{
    private readonly List<string> rules = [];
    private readonly HashSet<string> seen = new(StringComparer.Ordinal);
    private readonly HashSet<string> sets = new(StringComparer.Ordinal);
    private readonly SetBook book;
    private readonly Direction direction;
    private readonly IReadOnlyList<bool> families;
    private readonly Func<PolicyRule, IEnumerable<string>> nameServer;

    private PolicyChain(SetBook book, Direction direction, IReadOnlyList<bool> families,
        Func<PolicyRule, IEnumerable<string>> nameServer) =>
        (this.book, this.direction, this.families, this.nameServer) = (book, direction, families, nameServer);

    public IReadOnlyList<string> Rules => rules;

    /// <summary>The sets that the rules look into.</summary>
    public IReadOnlyCollection<string> Sets => sets;

    /// <param name="families">Those that pods of this node have: false for IPv4, true for IPv6.</param>
    /// <param name="nameServer">What a rule allows of the cluster's name server.</param>
    /// <returns>Null where more than <paramref name="most"/> rules come of it.</returns>
    public static PolicyChain? Make(IReadOnlyList<PolicyRule> policy, Direction direction, SetBook book, IReadOnlyList<bool> families,
        Func<PolicyRule, IEnumerable<string>> nameServer, int most)
    {
        var chain = new PolicyChain(book, direction, families, nameServer);
        foreach (var rule in policy)
        {
            // A rule is made for each pair of peer and port name: too many are noticed before memory is taken for them.
            if ((long)(rule.Peers?.Selectors.Count ?? 1) * (rule.Ports?.Names.Count ?? 1) * families.Count > most) return null;
            chain.Add(rule);
            if (chain.rules.Count > most) return null;
        }
        return chain;
    }

    private void Add(PolicyRule rule)
    {
        foreach (var (peerFamily, peer) in Peers(rule.Peers))
            foreach (var (portFamily, port) in Ports(rule.Ports))
            {
                if (peerFamily is not null && portFamily is not null && peerFamily != portFamily) continue;
                Add($"{peer}{port}accept");
            }
        foreach (var match in nameServer(rule)) Add($"{match}accept");
    }

    private void Add(string rule)
    {
        if (seen.Add(rule)) rules.Add(rule);
    }

    /// <summary>Matches on the other side's address; family null where it holds for both.</summary>
    private IEnumerable<(bool? IsV6, string Text)> Peers(PolicyPeers? peers)
    {
        if (peers is null) { yield return (null, ""); yield break; }
        foreach (var isV6 in families)
        {
            foreach (var selector in peers.Selectors) yield return (isV6, $"{Other(isV6)} @{Use(book.Peer(selector, isV6))} ");
            var blocks = peers.Blocks.Where(block => block.IsV6 == isV6).ToList();
            if (blocks is [{ IsWholeFamily: true }]) yield return (isV6, $"meta nfproto ipv{(isV6 ? '6' : '4')} ");
            else if (blocks.Count > 0) yield return (isV6, $"{Other(isV6)} @{Use(book.Blocks(blocks, isV6))} ");
        }
    }

    private IEnumerable<(bool? IsV6, string Text)> Ports(PolicyPorts? ports)
    {
        if (ports is null) { yield return (null, ""); yield break; }
        foreach (var group in ports.Ranges.GroupBy(range => range.Protocol))
        {
            var (protocol, ranges) = (group.Key.ToNft(), group.ToList());
            yield return (null, ranges is [{ IsWholeProtocol: true }] ? $"meta l4proto {protocol} "
                : $"{protocol} dport {(ranges.Count == 1 ? ranges[0].ToString() : "@" + Use(book.Ports(ranges)))} ");
        }
        // The destination pod says which number a name has, in either direction.
        foreach (var name in ports.Names)
            foreach (var isV6 in families)
                yield return (isV6, $"{Header(isV6)} daddr . meta l4proto . th dport @{Use(book.NamedPort(name, isV6))} ");
    }

    private string Other(bool isV6) => $"{Header(isV6)} {(direction == Direction.Ingress ? "saddr" : "daddr")}";

    private string Use(string set)
    {
        sets.Add(set);
        return set;
    }

    private static string Header(bool isV6) => isV6 ? "ip6" : "ip";
}
