using Operos.Linux;

namespace Operos.Ctl.Rendering;

/// <summary>
/// What others said, as a terminal may show it. The controller cleans what comes from machines; this is the second line, for what it relays
/// and for a controller of another version.
/// </summary>
internal static class Terminal
{
    private const int LongestLine = 512;

    /// <summary>One line of at most 512 characters; empty where there is nothing to show.</summary>
    public static string Line(string? text) => PrintableText.Line(text, LongestLine) ?? "";

    /// <summary>A text of lines, as wide as they are; what a terminal would obey rather than show is a question mark.</summary>
    public static string Page(string text) =>
        text.All(IsShown) ? text : string.Create(text.Length, text, (page, from) =>
        {
            for (var at = 0; at < page.Length; at++) page[at] = IsShown(from[at]) ? from[at] : '?';
        });

    private static bool IsShown(char c) => c == '\n' || PrintableText.IsPrintable(c);
}
