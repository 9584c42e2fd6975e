using System.Globalization;

namespace Operos.Kubernetes;

/// <summary>An amount of bytes as the API writes it, such as <c>10Gi</c>, <c>1.5G</c> or <c>2e9</c> (apimachinery, api/resource).</summary>
public static class ByteQuantity
{
    private const int Longest = 32;

    private static readonly Dictionary<string, decimal> Units = new(StringComparer.Ordinal)
    {
        [""] = 1, ["k"] = 1e3m, ["M"] = 1e6m, ["G"] = 1e9m, ["T"] = 1e12m, ["P"] = 1e15m, ["E"] = 1e18m, ["m"] = 1e-3m,
        ["Ki"] = 1L << 10, ["Mi"] = 1L << 20, ["Gi"] = 1L << 30, ["Ti"] = 1L << 40, ["Pi"] = 1L << 50, ["Ei"] = 1L << 60,
    };

    /// <summary>Rounded up to whole bytes.</summary>
    /// <returns>Null where it is no amount, less than one byte, or more than 2^63 - 1.</returns>
    public static long? Parse(string? text)
    {
        if (text is not { Length: > 0 and <= Longest }) return null;
        // An E with digits behind it is an exponent, and one without is a unit.
        var end = text.Length;
        while (end > 0 && char.IsAsciiLetter(text[end - 1])) end--;
        if (!Units.TryGetValue(text[end..], out var unit)
            || !decimal.TryParse(text.AsSpan(0, end), NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent,
                CultureInfo.InvariantCulture, out var number) || number <= 0 || number > long.MaxValue / unit) return null;
        return (long)Math.Min(Math.Ceiling(number * unit), long.MaxValue);
    }
}
