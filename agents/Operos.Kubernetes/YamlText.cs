using System.Net;
using System.Runtime.CompilerServices;
using System.Text;

namespace Operos.Kubernetes;

/// <summary>
/// What Kubernetes' programs read, YAML or JSON, as an interpolated string whose values are scalars of it. A text is always quoted: which
/// plain ones a reader takes for a flag, a number, a time or nothing (<c>on</c>, <c>1e3</c>, <c>12:30:45</c>, <c>~</c>) differs between
/// YAML 1.1 and 1.2, and between readers. Numbers stay numbers. Values of other types do not compile.
/// </summary>
[InterpolatedStringHandler]
public sealed class YamlText
{
    private readonly StringBuilder text;
    private bool afterText;

    public YamlText(int literalLength, int formattedCount) => text = new StringBuilder(literalLength + formattedCount * 32);

    /// <exception cref="InvalidOperationException">A text in it is not the whole of a scalar.</exception>
    public static string Write(YamlText yaml) => yaml.text.ToString();

    /// <summary>
    /// A scalar in double quotes, with escapes that JSON has too. One that is no valid UTF-16 has U+FFFD for what is not.
    /// </summary>
    public static string Quote(string value)
    {
        var quoted = new StringBuilder("\"", value.Length + 2);
        foreach (var rune in value.EnumerateRunes())
        {
            // JSON would have a pair of escapes for what is beyond 16 bits, which YAML refuses; both take it as it is.
            if (rune.Value is '"' or '\\') quoted.Append('\\').Append((char)rune.Value);
            else if (rune.Value is (>= ' ' and <= '~') or > char.MaxValue) quoted.Append(rune.ToString());
            else quoted.Append(null, $"\\u{rune.Value:x4}");
        }
        return quoted.Append('"').ToString();
    }

    public void AppendLiteral(string literal)
    {
        if (afterText && literal.Length > 0 && literal[0] is not ('\n' or ' ' or ',' or ':' or ']' or '}'))
            throw new InvalidOperationException($"a text is a whole scalar, '{literal}' cannot follow it");
        if (literal.Length > 0) afterText = false;
        text.Append(literal);
    }

    public void AppendFormatted(string value)
    {
        if (text.Length > 0 && text[^1] is not ('\n' or ' ' or '[' or '{'))
            throw new InvalidOperationException($"a text is a whole scalar, it cannot follow '{text[^1]}'");
        text.Append(Quote(value));
        afterText = true;
    }

    public void AppendFormatted(IPAddress value) => AppendFormatted(value.ToString());

    public void AppendFormatted(IPNetwork value) => AppendFormatted(value.ToString());

    public void AppendFormatted(long value) => text.Append(null, $"{value}");
}
