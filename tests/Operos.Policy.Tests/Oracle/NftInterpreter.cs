using System.Net;
using System.Text.RegularExpressions;

namespace Operos.Policy.Tests.Oracle;

/// <summary>
/// What the kernel does with the text that nft is given, for the few statements that we write: keeps the table, refuses what the kernel
/// refuses, and judges packets. Written from nft(8), not from the compiler.
/// </summary>
internal sealed partial class NftInterpreter
{
    private sealed record Set(bool IsInterval, HashSet<string> Elements);

    private sealed record Chain(List<string> Rules) { public int? Priority { get; set; } }

    private readonly Dictionary<string, Set> sets = [];
    private readonly Dictionary<string, Dictionary<string, string>> maps = [];
    private readonly Dictionary<string, Chain> chains = [];

    /// <summary>The table's content in one order, to compare two.</summary>
    public string Listing => string.Join('\n', sets.Select(set => $"set {set.Key} {string.Join(' ', set.Value.Elements.Order())}")
        .Concat(maps.Select(map => $"map {map.Key} {string.Join(' ', map.Value.OrderBy(item => item.Key))}"))
        .Concat(chains.Select(chain => $"chain {chain.Key} {chain.Value.Priority} {string.Join(" / ", chain.Value.Rules)}")).Order());

    public void Run(string transaction)
    {
        string? block = null;
        foreach (var line in transaction.Split('\n').Where(line => line.Length > 0))
        {
            if (line is "add table inet operos-policy" or "table inet operos-policy {") continue;
            else if (line == "delete table inet operos-policy") { sets.Clear(); maps.Clear(); chains.Clear(); }
            else if (Definition().Match(line) is { Success: true } definition) Define(definition);
            else if (line.StartsWith("chain ", StringComparison.Ordinal)) chains.Add(block = line.Split(' ')[1], new Chain([]));
            else if (line == "}") block = null;
            else if (line.StartsWith("type filter hook forward ", StringComparison.Ordinal))
                chains[block!].Priority = line.Contains("filter + 1;", StringComparison.Ordinal) ? 1 : 0;
            else if (block is not null) chains[block].Rules.Add(line);
            else Command(line);
        }
        foreach (var name in chains.Values.SelectMany(chain => chain.Rules).SelectMany(rule => Reference().Matches(rule))
            .Select(match => match.Groups[1].Value))
            Require(sets.ContainsKey(name) || maps.ContainsKey(name), $"a rule looks into {name}, which is not there");
        foreach (var target in Targets()) Require(chains.ContainsKey(target), $"something jumps to {target}, which is not there");
    }

    /// <param name="inside">The interface it came from or goes to is a pod's.</param>
    public bool Accepts(Packet packet, Func<string, bool> inside)
    {
        foreach (var chain in chains.Values.Where(chain => chain.Priority is not null).OrderBy(chain => chain.Priority))
            if (Walk(chain, packet, inside) == false) return false;
        return true;
    }

    private void Define(Match definition)
    {
        var (kind, name, body) = (definition.Groups[1].Value, definition.Groups[2].Value, definition.Groups[3].Value);
        if (kind == "set") sets.Add(name, new Set(body.Contains("flags interval;", StringComparison.Ordinal), []));
        else maps.Add(name, []);
        if (ElementList().Match(body) is { Success: true } elements) Add(name, elements.Groups[1].Value);
    }

    private void Command(string line)
    {
        Require(line.Split(' ', 6) is [_, _, "inet", "operos-policy", ..], line);
        var (verb, kind, rest) = (line.Split(' ')[0], line.Split(' ')[1], line.Split(' ', 5)[4]);
        var name = rest.Split(' ')[0];
        switch (verb, kind)
        {
            case ("add", "chain"): chains.Add(name, new Chain([])); break;
            case ("add", "set"): sets.Add(name, new Set(rest.Contains("flags interval;", StringComparison.Ordinal), [])); break;
            case ("add", "rule"): chains[name].Rules.Add(rest.Split(' ', 2)[1]); break;
            case ("add", "element"): Add(name, ElementList().Match("elements = " + rest.Split(' ', 2)[1] + ";").Groups[1].Value); break;
            case ("delete", "element"): Delete(name, ElementList()
                .Match("elements = " + rest.Split(' ', 2)[1] + ";").Groups[1].Value); break;
            case ("flush", "chain"): chains[name].Rules.Clear(); break;
            case ("delete", "chain"):
                Require(!Targets().Contains(name), $"chain {name} is jumped to");
                Require(chains.Remove(name), $"no chain {name}");
                break;
            case ("delete", "set"):
                Require(!chains.Values.SelectMany(chain => chain.Rules)
                    .Any(rule => rule.Contains("@" + name + " ", StringComparison.Ordinal)), $"set {name} is in use");
                Require(sets.Remove(name), $"no set {name}");
                break;
            default: throw new InvalidOperationException(line);
        }
    }

    private void Add(string name, string list)
    {
        foreach (var element in list.Split(", "))
        {
            if (maps.TryGetValue(name, out var map)) { var pair = element.Split(" : "); map.Add(pair[0], pair[1]); }
            else Require(sets[name].Elements.Add(element), $"{element} is in {name} already");
        }
    }

    private void Delete(string name, string list)
    {
        foreach (var element in list.Split(", "))
            Require(maps.TryGetValue(name, out var map) ? map.Remove(element) : sets[name].Elements.Remove(element),
            $"{element} is not in {name}");
    }

    private IEnumerable<string> Targets() =>
        chains.Values.SelectMany(chain => chain.Rules).Concat(maps.Values.SelectMany(map => map.Values)).Select(text => Jump().Match(text))
        .Where(match => match.Success).Select(match => match.Groups[1].Value);

    /// <returns>True for accept, false for drop, null where the chain ends without a verdict: a base chain's policy is accept.</returns>
    private bool? Walk(Chain chain, Packet packet, Func<string, bool> inside)
    {
        foreach (var rule in chain.Rules)
            if (Verdict(rule, packet, inside) is { } verdict
                && (verdict == "accept" ? true : verdict == "drop" ? false : Walk(chains[verdict.Split(' ')[1]], packet, inside)) is
                { } end) return end;
        return null;
    }

    private string? Verdict(string rule, Packet packet, Func<string, bool> inside)
    {
        if (VerdictMap().Match(rule) is { Success: true } lookup)
            return Address(packet, lookup.Groups[1].Value, lookup.Groups[2].Value) is { } key && maps[lookup.Groups[3].Value]
                .TryGetValue(key, out var found) ? found : null;
        var (matches, verdict) = Split(rule);
        while (matches.Length > 0)
        {
            var (holds, length) = Match(matches, packet, inside);
            if (!holds) return null;
            matches = matches[length..].TrimStart();
        }
        return verdict;
    }

    private static (string Matches, string Verdict) Split(string rule)
    {
        var match = Ending().Match(rule);
        Require(match.Success, $"'{rule}' ends in no verdict");
        return (match.Groups[1].Value.Trim(), match.Groups[2].Value);
    }

    private (bool Holds, int Length) Match(string text, Packet packet, Func<string, bool> inside)
    {
        var protocol = packet.Protocol.ToLowerInvariant();
        // The packets here open connections, and no pod borrows an address.
        if (Head(text, "ct state related|ct state established|ct direction reply|fib saddr \\. iif oif missing") is { } never)
            return (false, never.Length);
        if (Head(text, "(iifname|oifname) \"veth\\*\"") is { } card)
            return (inside(card.Groups[1].Value == "iifname" ? packet.Source : packet.Destination), card.Length);
        if (Head(text, "meta nfproto ipv([46])") is { } family) return (packet.IsV6 == (family.Groups[1].Value == "6"), family.Length);
        if (Head(text, "meta l4proto (tcp|udp|sctp)(?! \\.)") is { } l4) return (l4.Groups[1].Value == protocol, l4.Length);
        if (Head(text, "(ip6?) daddr \\. meta l4proto \\. th dport @(\\S+)") is { } named)
            return (Address(packet, named.Groups[1].Value, "daddr") is { } to
                && sets[named.Groups[2].Value].Elements.Contains($"{to} . {protocol} . {packet.Port}"), named.Length);
        if (Head(text, "(ip6?) ([sd]addr) @(\\S+)") is { } address)
            return (Address(packet, address.Groups[1].Value, address.Groups[2].Value) is { } value
                && Contains(sets[address.Groups[3].Value], Number(value)), address.Length);
        if (Head(text, "(tcp|udp|sctp) dport @(\\S+)") is { } ports)
            return (ports.Groups[1].Value == protocol && Contains(sets[ports.Groups[2].Value], (UInt128)packet.Port), ports.Length);
        if (Head(text, "(tcp|udp|sctp) dport ([0-9-]+)") is { } port)
            return (port.Groups[1].Value == protocol && Within(port.Groups[2].Value, (UInt128)packet.Port), port.Length);
        throw new InvalidOperationException($"'{text}' is not understood");
    }

    private static Match? Head(string text, string pattern) =>
        Regex.Match(text, $"^(?:{pattern})(?= |$)") is { Success: true } match ? match : null;

    private static string? Address(Packet packet, string header, string side) =>
        header == "ip6" != packet.IsV6 ? null : side == "saddr" ? packet.Source : packet.Destination;

    private static bool Contains(Set set, UInt128 value) =>
        set.Elements.Any(element => set.IsInterval ? Within(element, value) : Number(element) == value);

    private static bool Within(string range, UInt128 value) =>
        range.Split('-') is var ends && Number(ends[0]) <= value && value <= Number(ends[^1]);

    private static UInt128 Number(string text) =>
        text.AsSpan().ContainsAny('.', ':') ? IPAddress.Parse(text).GetAddressBytes()
        .Aggregate(UInt128.Zero, (value, part) => (value << 8) | part) : UInt128.Parse(text);

    private static void Require(bool holds, string what)
    {
        if (!holds) throw new InvalidOperationException($"the kernel would refuse: {what}");
    }

    [GeneratedRegex("^(set|map) (\\S+) \\{ (.*) \\}$")] private static partial Regex Definition();
    [GeneratedRegex("elements = \\{ (.*) \\};")] private static partial Regex ElementList();
    [GeneratedRegex("@([a-z0-9-]+)")] private static partial Regex Reference();
    [GeneratedRegex("^jump (\\S+)$")] private static partial Regex Jump();
    [GeneratedRegex("^(ip6?) ([sd]addr) vmap @(\\S+)$")] private static partial Regex VerdictMap();
    [GeneratedRegex("^(.*?)(?:counter )?(accept|drop|jump \\S+)$")] private static partial Regex Ending();
}
