using System.Globalization;
using Operos.Linux;
using Operos.Proto;

namespace Operos.Controller.Configuration;

/// <summary>The table <c>[storage]</c>: how disks are shared between machines' own storage and Ceph.</summary>
internal static class StorageRules
{
    /// <summary>Whether a machine that lost the disk with containerd's and the kubelet's folders is rebooted without an operator.</summary>
    public const string Heal = "storage.heal";

    /// <summary>Whether the controller keeps a cluster of Ceph. Under way: off unless it is set.</summary>
    public const string Ceph = "storage.ceph";

    public static readonly string[] Keys = ["storage.local-share", "storage.all", "storage.rules", "storage.encrypt", Heal, Ceph];

    private const int Least = 20, Most = 80, Usual = 50, MostRules = 64, LongestRule = 256;
    private const string Expected =
        "a rule is conditions, a colon and a share, such as \"rotational, at-least=4TB: 20\" or \"model=INTEL*: ceph\"";

    private static readonly (string Name, long Bytes)[] Units =
    [
        ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40),
    ];

    private enum Owner { Ceph, Local }

    public static StorageConfiguration Read(ConfigurationFile file)
    {
        const string all = "storage.all", share = "storage.local-share", rules = "storage.rules";
        int? whole = file.TryGet(all, out _, out _) ? file.Choice(all, Owner.Local) == Owner.Local ? 100 : 0 : null;
        var percent = file.Number(share, Usual, Least, Most);
        if (whole is not null && file.TryGet(share, out _, out _))
            file.Fail(share, $"counts for nothing beside {all}: leave one of them out");
        var texts = file.List(rules, [], text => Problem(text));
        if (texts.Count > MostRules) file.Fail(rules, $"holds {texts.Count} rules: {MostRules} at most are expected");
        return new StorageConfiguration
        {
            LocalPercent = whole ?? percent,
            Rules = [.. texts.Select(text => Parse(text, out _)).OfType<StorageRule>()],
            Encrypt = file.TryGet("storage.encrypt", out _, out _) ? file.Flag("storage.encrypt", true) : null,
        };
    }

    private static string? Problem(string text) => Parse(text, out var problem) is null
        ? $"\"{PrintableText.Line(text, LongestRule)}\": {problem}" : null;

    /// <returns>Null where it is none; <paramref name="problem"/> says why.</returns>
    private static StorageRule? Parse(string text, out string problem)
    {
        problem = Expected;
        if (text.Length > LongestRule || text.LastIndexOf(':') is not (> 0 and var colon)) return null;
        if (Share(text[(colon + 1)..].Trim()) is not { } percent)
        {
            problem = $"its share is {Least} to {Most}, ceph or local";
            return null;
        }
        var rule = new StorageRule { LocalPercent = percent };
        foreach (var condition in text[..colon].Split(',', StringSplitOptions.TrimEntries))
        {
            if (With(rule, condition) is not { } narrowed)
            {
                problem = $"'{PrintableText.Line(condition, LongestRule)}' is no condition: rotational, solid, at-least=SIZE, "
                    + "at-most=SIZE and model=NAME are, each once, a size such as 500GB or 2TiB";
                return null;
            }
            rule = narrowed;
        }
        if (rule.AtMost <= 0 || rule.AtLeast <= rule.AtMost) return rule;
        problem = "no disk is at least and at most so large";
        return null;
    }

    private static StorageRule? With(StorageRule rule, string condition) => condition.Split('=', 2, StringSplitOptions.TrimEntries) switch
    {
        ["rotational"] when rule.Rotational is null => rule with { Rotational = true },
        ["solid"] when rule.Rotational is null => rule with { Rotational = false },
        ["at-least", var size] when rule.AtLeast == 0 && Size(size) is { } bytes => rule with { AtLeast = bytes },
        ["at-most", var size] when rule.AtMost == 0 && Size(size) is { } bytes => rule with { AtMost = bytes },
        ["model", { Length: > 0 } model] when rule.Model is null && model.All(PrintableText.IsPrintable) => rule with { Model = model },
        _ => null,
    };

    private static int? Share(string text) => text switch
    {
        "ceph" => 0,
        "local" => 100,
        _ => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var percent) && percent is >= Least and <= Most
            ? percent : null,
    };

    private static long? Size(string text)
    {
        var (name, factor) = Units.FirstOrDefault(unit => text.EndsWith(unit.Name, StringComparison.Ordinal));
        return name is not null
            && long.TryParse(text[..^name.Length].TrimEnd(), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            && count > 0 && count <= long.MaxValue / factor ? count * factor : null;
    }
}
