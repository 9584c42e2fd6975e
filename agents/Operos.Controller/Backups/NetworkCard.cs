namespace Operos.Controller.Backups;

/// <summary>Which card a file of systemd.network(5) is for.</summary>
internal static class NetworkCard
{
    private const string Match = "[Match]", Mac = "MACAddress=";

    /// <summary>The MACs of this machine's cards, lower case.</summary>
    public static IReadOnlySet<string> Present() => Directory.EnumerateDirectories("/sys/class/net")
        .Select(card => Path.Combine(card, "address")).Where(File.Exists).Select(file => File.ReadAllText(file).Trim())
        .ToHashSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>The text, with the section Match of the other where it names cards none of which is there.</summary>
    public static string Keep(string text, string? existing, IReadOnlySet<string> present)
    {
        if (existing is null || Section(text) is not { } own || Section(existing) is not { } other) return text;
        var macs = own.Split('\n').Select(line => line.Trim()).Where(line => line.StartsWith(Mac, StringComparison.Ordinal))
            .SelectMany(line => line[Mac.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToList();
        return macs.Count == 0 || macs.Any(present.Contains) ? text : text.Replace(own, other, StringComparison.Ordinal);
    }

    private static string? Section(string text)
    {
        var begin = text.IndexOf(Match, StringComparison.Ordinal);
        if (begin < 0) return null;
        var end = text.IndexOf("\n[", begin, StringComparison.Ordinal);
        return end < 0 ? text[begin..] : text[begin..end];
    }
}
