using System.Text;

namespace Operos.Policy.Nftables;

/// <summary>The text that takes the kernel from one ruleset to the next, as one transaction of nft(8).</summary>
/// <param name="Text">Empty where nothing changes.</param>
/// <param name="IsReplacement">Whether the whole table is made anew.</param>
public sealed record RulesetTransaction(string Text, bool IsReplacement)
{
    private const string Address = $"inet {Ruleset.Table}";

    /// <summary>The table anew, whatever there is.</summary>
    public static RulesetTransaction Replacing(Ruleset next) =>
        // Added first, since nft refuses to delete a table that is not there.
        new($"add table {Address}\ndelete table {Address}\n{next}", IsReplacement: true);

    /// <summary>Only what differs; the whole table where an object of one name differs in more than its elements.</summary>
    public static RulesetTransaction Between(Ruleset inForce, Ruleset next)
    {
        if (!HasSameFrame(inForce, next)) return Replacing(next);
        var text = new StringBuilder();
        var (gone, fresh) = (inForce.Chains.Values.Where(chain => !next.Chains.ContainsKey(chain.Name)).ToList(),
            next.Chains.Values.Where(chain => !inForce.Chains.ContainsKey(chain.Name)).ToList());
        foreach (var chain in fresh) text.Append(null, $"add chain {Address} {chain.Name}\n");
        foreach (var set in next.Sets.Values)
        {
            if (inForce.Sets.TryGetValue(set.Name, out var old)) ChangeSet(text, old, set);
            else
            {
                text.Append(null, $"add set {Address} {set.Name} {{ type {set.Type};{(set.IsInterval ? " flags interval;" : "")} }}\n");
                Elements(text, "add", set.Name, set.Elements);
            }
        }
        foreach (var chain in fresh)
            foreach (var rule in chain.Rules) text.Append(null, $"add rule {Address} {chain.Name} {rule}\n");
        foreach (var map in next.Maps.Values) ChangeMap(text, inForce.Maps[map.Name], map);
        // nft refuses to delete what a rule still uses: rules go first, then chains, then the sets that the rules looked into.
        foreach (var chain in gone) text.Append(null, $"flush chain {Address} {chain.Name}\n");
        foreach (var chain in gone) text.Append(null, $"delete chain {Address} {chain.Name}\n");
        foreach (var set in inForce.Sets.Values.Where(set => !next.Sets.ContainsKey(set.Name)))
            text.Append(null, $"delete set {Address} {set.Name}\n");
        return new RulesetTransaction(text.ToString(), IsReplacement: false);
    }

    private static bool HasSameFrame(Ruleset inForce, Ruleset next) =>
        inForce.Maps.Count == next.Maps.Count
        && next.Maps.Values.All(map => inForce.Maps.TryGetValue(map.Name, out var old) && old.Type == map.Type)
        && next.Sets.Values.All(set =>
            !inForce.Sets.TryGetValue(set.Name, out var old)
            || (old.Type == set.Type && old.IsInterval == set.IsInterval && (!set.IsInterval || old.Elements.Count > 0)))
        && next.Chains.Values.All(chain =>
            !inForce.Chains.TryGetValue(chain.Name, out var old)
            || (old.Rules.Count == chain.Rules.Count && old.Hook is null == chain.Hook is null))
        // A base chain that comes or goes: the node itself changed.
        && next.Chains.Values.All(chain => chain.Hook is null || inForce.Chains.ContainsKey(chain.Name))
        && inForce.Chains.Values.All(chain => chain.Hook is null || next.Chains.ContainsKey(chain.Name));

    private static void ChangeSet(StringBuilder text, NftSet old, NftSet next)
    {
        if (next.IsInterval || ReferenceEquals(old.Elements, next.Elements)) return;
        Elements(text, "delete", next.Name, old.Elements.Where(element => !next.Elements.Contains(element)));
        Elements(text, "add", next.Name, next.Elements.Where(element => !old.Elements.Contains(element)));
    }

    private static void ChangeMap(StringBuilder text, NftMap old, NftMap next)
    {
        // A map's element cannot be changed: it goes and comes in the same transaction.
        Elements(text, "delete", next.Name, old.Elements.Where(
            element => !next.Elements.TryGetValue(element.Key, out var verdict) || verdict != element.Value)
            .Select(element => element.Key));
        Elements(text, "add", next.Name, next.Elements.Where(
            element => !old.Elements.TryGetValue(element.Key, out var verdict) || verdict != element.Value)
            .Select(element => $"{element.Key} : {element.Value}"));
    }

    private static void Elements(StringBuilder text, string verb, string name, IEnumerable<string> elements)
    {
        if (string.Join(", ", elements) is { Length: > 0 } list) text.Append(null, $"{verb} element {Address} {name} {{ {list} }}\n");
    }
}
