using System.Globalization;
using System.Text;

namespace Operos.Linux;

/// <summary>Strings from machines, firmware and other programs, made fit for terminals, logs, tables and comparison.</summary>
public static class PrintableText
{
    /// <summary>The most characters of what is a name, such as a model or a serial number.</summary>
    public const int NameLength = 128;

    /// <summary>One line: printable, single-spaced, at most so many characters; null where nothing is left.</summary>
    public static string? Line(string? raw, int most = NameLength)
    {
        if (raw is null) return null;
        var text = new StringBuilder(Math.Min(raw.Length, most));
        foreach (var c in raw)
        {
            if (text.Length == most) break;
            var shown = IsPrintable(c) ? c : ' ';
            if (shown != ' ' || (text.Length > 0 && text[^1] != ' ')) text.Append(shown);
        }
        var result = text.ToString().Trim();
        return result.Length == 0 ? null : result;
    }

    /// <summary>
    /// Whether a terminal shows it and does nothing else: no control characters, and none of those that turn the direction of writing, take
    /// no place, or mean what each font likes.
    /// </summary>
    public static bool IsPrintable(char c) => c != '\ufffd' && CharUnicodeInfo.GetUnicodeCategory(c) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
            or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
