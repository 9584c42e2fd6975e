using System.Text.RegularExpressions;
using Operos.Linux;

namespace Operos.Controller.Configuration;

/// <summary>What the TOML parser says, for whoever wrote the file.</summary>
internal static partial class TomlWords
{
    private const int LongestLine = 200;

    /// <summary>Whether it is about a key or a table that the file has twice, which keeps nothing from being read.</summary>
    public static bool IsOfTwice(string message) => message.Contains(" is already defined", StringComparison.Ordinal);

    /// <summary>The key or table that a message is about.</summary>
    public static string NameOf(string message) => PrintableText.Line(message.Split('`') is [_, var name, ..] ? name : message) ?? "";

    /// <summary>A message about tokens says what is expected, or what is not; any other is the parser's own.</summary>
    public static string Of(string message)
    {
        var words = message;
        if (Awaited().Match(message) is { Success: true } awaited)
            words = $"{awaited.Groups["expected"].Value} is expected, and not {Found(awaited.Groups["found"].Value,
                awaited.Groups["kind"].Value)}";
        else if (Odd().Match(message) is { Success: true } odd) words = $"{odd.Groups["found"].Value} is not expected here";
        return PrintableText.Line(words, LongestLine) ?? "";
    }

    private static string Found(string text, string kind) => kind switch
    {
        "newline" => "the line's end",
        "eof" => "the file's end",
        _ => PrintableText.Line(text, LongestLine) is { Length: > 0 } shown ? shown : kind,
    };

    [GeneratedRegex("^Unexpected token found `(?<found>.*?)` \\(token: `(?<kind>\\w+)`\\) while expecting `(?<expected>.+?)` \\(token",
        RegexOptions.Singleline)]
    private static partial Regex Awaited();

    [GeneratedRegex("^Unexpected token (found )?(`|\\[)(?<found>.+?)(`|\\])( |$)", RegexOptions.Singleline)]
    private static partial Regex Odd();
}
