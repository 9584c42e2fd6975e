using System.Globalization;
using System.Text.Json;
using Operos.Policy.Addresses;

namespace Operos.Policy.Nftables;

/// <summary>Reads our table as <c>nft -j list table</c> prints it (libnftables-json(5)).</summary>
internal static class RulesetReader
{
    /// <exception cref="FormatException">It holds what we never write: the table is not ours, or somebody changed it.</exception>
    public static Ruleset Read(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return Read([.. document.RootElement.GetProperty("nftables").EnumerateArray()]);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException
            or ArgumentException) { throw new FormatException(e.Message, e); }
    }

    private static Ruleset Read(IReadOnlyList<JsonElement> items)
    {
        List<NftSet> sets = [];
        List<NftMap> maps = [];
        List<(string Name, bool IsBase)> chains = [];
        var rules = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (var item in items.SelectMany(item => item.EnumerateObject()))
        {
            switch (item.Name)
            {
                case "set": sets.Add(new NftSet(Name(item.Value), Type(item.Value), IsInterval(item.Value), Elements(item.Value)
                    .Select(Element).ToHashSet(StringComparer.Ordinal))); break;
                case "map": maps.Add(new NftMap(Name(item.Value), Type(item.Value), Elements(item.Value)
                    .ToDictionary(pair => Element(pair[0]), pair => Verdict(pair[1]), StringComparer.Ordinal))); break;
                case "chain": chains.Add((Name(item.Value), item.Value.TryGetProperty("hook", out _))); break;
                case "rule":
                    var chain = item.Value.GetProperty("chain").GetString()!;
                    if (!rules.TryGetValue(chain, out var list)) rules[chain] = list = [];
                    list.Add(item.Value.GetProperty("expr").GetRawText());
                    break;
                case "metainfo" or "table": break;
                default: throw new FormatException($"a {item.Name} is none of ours");
            }
        }
        return new Ruleset(sets, maps, chains.Select(chain =>
            new NftChain(chain.Name, chain.IsBase ? "hook" : null, rules.GetValueOrDefault(chain.Name) ?? [])));
    }

    private static string Name(JsonElement item) => item.GetProperty("name").GetString()!;

    private static string Type(JsonElement item) =>
        item.GetProperty("type") is { ValueKind: JsonValueKind.Array } parts
            ? string.Join(" . ", parts.EnumerateArray().Select(part => part.GetString())) : item.GetProperty("type").GetString()!;

    private static bool IsInterval(JsonElement item) =>
        item.TryGetProperty("flags", out var flags) && flags.EnumerateArray().Any(flag => flag.GetString() == "interval");

    private static IEnumerable<JsonElement> Elements(JsonElement item) =>
        item.TryGetProperty("elem", out var elements) ? elements.EnumerateArray() : [];

    /// <summary>
    /// In the form in which the compiler writes it. Of ranges it only matters that there are some: the set's name says which.
    /// </summary>
    private static string Element(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.Number) return element.GetInt32().ToString(CultureInfo.InvariantCulture);
        // libnftables writes one address in more than one way.
        if (element.ValueKind == JsonValueKind.String)
            return PodAddress.TryParse(element.GetString(), out var address) ? address.ToString() : element.GetString()!;
        return element.TryGetProperty("concat", out var parts)
            ? string.Join(" . ", parts.EnumerateArray().Select(Element)) : element.GetRawText();
    }

    private static string Verdict(JsonElement verdict) =>
        verdict.TryGetProperty("jump", out var jump) ? $"jump {jump.GetProperty("target").GetString()}" : verdict.EnumerateObject()
            .First().Name;
}
