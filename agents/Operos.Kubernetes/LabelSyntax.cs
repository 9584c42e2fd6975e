using System.Text.RegularExpressions;

namespace Operos.Kubernetes;

/// <summary>What may be a label (Kubernetes, "Labels and Selectors", syntax and character set).</summary>
public static partial class LabelSyntax
{
    /// <summary>The rules in words, for whoever broke them.</summary>
    public const string Words =
        "a key is a name, or a DNS domain, '/' and a name; name and value have at most 63 letters, digits, '-', '_' and '.', "
        + "with a letter or digit first and last; a value may be empty";

    private const int LongestPrefix = 253, LongestName = 63;

    /// <summary>A name of at most 63 characters, if need be after a DNS subdomain of at most 253 and a slash.</summary>
    public static bool IsKey(string? key) => key?.Split('/') switch
    {
        [var name] => Name().IsMatch(name),
        [{ Length: <= LongestPrefix } prefix, var name] => Prefix().IsMatch(prefix) && Name().IsMatch(name),
        _ => false,
    };

    public static bool IsValue(string? value) => value is not null && (value.Length == 0 || Name().IsMatch(value));

    /// <summary>
    /// What of a text can be a label's value: other characters become '-', what is too long is cut off; empty where nothing is left.
    /// </summary>
    public static string ToValue(string? text)
    {
        var clean = string.Concat((text ?? "").Trim().Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '-'))
            .Trim('-', '_', '.');
        return clean[..Math.Min(LongestName, clean.Length)].TrimEnd('-', '_', '.');
    }

    [GeneratedRegex(@"\A[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?\z")]
    private static partial Regex Name();

    [GeneratedRegex(@"\A[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*\z")]
    private static partial Regex Prefix();
}
