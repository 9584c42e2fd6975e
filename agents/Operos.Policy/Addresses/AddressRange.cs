using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Operos.Policy.Addresses;

/// <summary>Addresses of one family from the first to the last, both included.</summary>
public readonly record struct AddressRange(bool IsV6, UInt128 First, UInt128 Last)
{
    /// <summary>Every address of the family.</summary>
    public bool IsWholeFamily => First == 0 && Last == Highest(IsV6);

    public bool Contains(AddressRange other) => IsV6 == other.IsV6 && First <= other.First && other.Last <= Last;

    /// <summary>Reads <c>10.0.0.0/8</c>; bits behind the prefix are ignored, as Kubernetes does.</summary>
    public static bool TryParseCidr([NotNullWhen(true)] string? text, out AddressRange range)
    {
        range = default;
        if (text is null || text.Split('/') is not [var base_, var length] || !PodAddress.TryParse(base_, out var address)) return false;
        var bits = address.IsV6 ? 128 : 32;
        if (length.Length is 0 or > 3 || !length.All(char.IsAsciiDigit) || (length.Length > 1 && length[0] == '0')) return false;
        var prefix = int.Parse(length, CultureInfo.InvariantCulture);
        if (prefix > bits) return false;
        var host = bits == prefix ? 0 : Highest(address.IsV6) >> prefix;
        range = new AddressRange(address.IsV6, address.Value & ~host, (address.Value & ~host) | host);
        return true;
    }

    /// <summary>The same addresses in the fewest ranges, ascending, IPv4 first.</summary>
    public static IReadOnlyList<AddressRange> Merge(IEnumerable<AddressRange> ranges)
    {
        var merged = new List<AddressRange>();
        foreach (var range in ranges.OrderBy(range => range.IsV6).ThenBy(range => range.First))
        {
            if (merged.Count > 0 && merged[^1] is var last && last.IsV6 == range.IsV6
                && (range.First <= last.Last || range.First - 1 == last.Last))
                merged[^1] = last with { Last = range.Last > last.Last ? range.Last : last.Last };
            else merged.Add(range);
        }
        return merged;
    }

    /// <summary>This range without others that lie within it.</summary>
    public IEnumerable<AddressRange> Without(IEnumerable<AddressRange> holes)
    {
        var next = First;
        foreach (var hole in Merge(holes))
        {
            if (hole.First > next) yield return this with { First = next, Last = hole.First - 1 };
            if (hole.Last == Last) yield break;
            next = hole.Last + 1;
        }
        yield return this with { First = next };
    }

    /// <summary>As nft writes it: <c>a-b</c>, or one address.</summary>
    public override string ToString() =>
        First == Last ? new PodAddress(IsV6, First).ToString() : $"{new PodAddress(IsV6, First)}-{new PodAddress(IsV6, Last)}";

    private static UInt128 Highest(bool isV6) => isV6 ? UInt128.MaxValue : uint.MaxValue;
}
