using System.Globalization;
using System.Text.RegularExpressions;

namespace Operos.Net.Tests.Dns;

/// <summary>A question as BIND's dig asks it, and the answer it got.</summary>
internal sealed partial record Dig(string Status, string Flags, IReadOnlyList<Dig.Record> Answer, IReadOnlyList<Dig.Record> Authority,
    string Text)
{
    internal sealed record Record(string Owner, int TimeToLive, string Type, string Data)
    {
        public override string ToString() => $"{Type} {Data}";
    }

    public static async Task<Dig> AskAsync(ClientHost from, string name, string type, params string[] options)
    {
        var text = await from.RunAsync("dig", ["@10.77.0.1", "-t", type, "-q", name + ".", "+time=3", "+tries=1", "+noall", "+comments",
            "+answer", "+authority", .. options], check: false);
        var sections = new Dictionary<string, List<Record>> { ["ANSWER"] = [], ["AUTHORITY"] = [] };
        List<Record>? section = null;
        foreach (var line in text.Split('\n'))
        {
            if (line.StartsWith(';'))
                section = SectionLine().Match(line) is { Success: true } match
                ? sections.GetValueOrDefault(match.Groups[1].Value) : section;
            else if (line.Split((char[]?)null, 5, StringSplitOptions.RemoveEmptyEntries) is [var owner, var life, "IN", var kind, var data])
                section?.Add(new Record(owner, int.Parse(life, CultureInfo.InvariantCulture), kind, data));
        }
        return new Dig(StatusLine().Match(text).Groups[1].Value, FlagsLine().Match(text).Groups[1].Value, sections["ANSWER"],
            sections["AUTHORITY"], text);
    }

    [GeneratedRegex("status: ([A-Z]+)")]
    private static partial Regex StatusLine();

    [GeneratedRegex("flags: ([a-z ]*);")]
    private static partial Regex FlagsLine();

    [GeneratedRegex("^;; ([A-Z]+) SECTION:")]
    private static partial Regex SectionLine();
}
