using System.Text;

namespace Operos.Policy.Nftables;

/// <summary>The whole table: what <c>nft list table inet operos-policy</c> would show.</summary>
public sealed class Ruleset
{
    /// <summary>Our own table; no other is ever touched.</summary>
    public const string Table = "operos-policy";

    internal Ruleset(IEnumerable<NftSet> sets, IEnumerable<NftMap> maps, IEnumerable<NftChain> chains)
    {
        Sets = sets.ToDictionary(set => set.Name, StringComparer.Ordinal);
        Maps = maps.ToDictionary(map => map.Name, StringComparer.Ordinal);
        Chains = chains.ToDictionary(chain => chain.Name, StringComparer.Ordinal);
        Size = new RulesetSize(Chains.Count, Chains.Values.Sum(chain => chain.Rules.Count), Sets.Count + Maps.Count,
            Sets.Values.Sum(set => set.Elements.Count) + Maps.Values.Sum(map => map.Elements.Count));
    }

    public IReadOnlyDictionary<string, NftSet> Sets { get; }
    public IReadOnlyDictionary<string, NftMap> Maps { get; }
    public IReadOnlyDictionary<string, NftChain> Chains { get; }

    /// <summary>What it costs the kernel to hold.</summary>
    public RulesetSize Size { get; }

    /// <summary>What was refused while it was compiled, bounded.</summary>
    public IReadOnlyList<PolicyProblem> Problems { get; init; } = [];

    /// <summary>Which policies a chain enforces, for an operator who reads the table; several with the same rules share one.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Origins { get; init; } = new Dictionary<string, IReadOnlyList<string>>();

    /// <summary>The addresses that belong to pods of this node, as text.</summary>
    public IEnumerable<string> PodAddresses =>
        Maps.Values.Where(map => map.Name.StartsWith("egress", StringComparison.Ordinal)).SelectMany(map => map.Elements.Keys);

    /// <summary>The table as nft reads it.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(null, $"table inet {Table} {{\n");
        foreach (var set in Sets.Values)
            text.Append(null,
                $"set {set.Name} {{ type {set.Type};{(set.IsInterval ? " flags interval;" : "")}{Elements(set.Elements)} }}\n");
        foreach (var map in Maps.Values)
            text.Append(null,
                $"map {map.Name} {{ type {map.Type} : "
                + $"verdict;{Elements(map.Elements.Select(element => $"{element.Key} : {element.Value}"))} }}\n");
        foreach (var chain in Chains.Values)
        {
            text.Append(null, $"chain {chain.Name} {{\n{(chain.Hook is null ? "" : chain.Hook + "\n")}");
            foreach (var rule in chain.Rules) text.Append(rule).Append('\n');
            text.Append("}\n");
        }
        return text.Append("}\n").ToString();
    }

    private static string Elements(IEnumerable<string> elements) =>
        string.Join(", ", elements) is { Length: > 0 } list ? $" elements = {{ {list} }};" : "";
}
