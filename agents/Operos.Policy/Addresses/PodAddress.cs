using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace Operos.Policy.Addresses;

/// <summary>An IPv4 or IPv6 address as a number, so that ranges can be computed.</summary>
public readonly record struct PodAddress(bool IsV6, UInt128 Value)
{
    private const int LongestText = 45;

    /// <summary>
    /// Takes only the forms that everybody reads alike: four decimal numbers without leading zeros, or IPv6 without zone. IPv4 inside IPv6
    /// is refused, since the kernel sees such a packet as IPv4.
    /// </summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out PodAddress address)
    {
        address = default;
        if (text is null || text.Length is 0 or > LongestText || !text.All(c => char.IsAsciiHexDigit(c) || c is '.' or ':')) return false;
        if (!text.Contains(':', StringComparison.Ordinal)) return TryParseV4(text, out address);
        if (!IPAddress.TryParse(text, out var parsed) || parsed.AddressFamily != AddressFamily.InterNetworkV6 || parsed.IsIPv4MappedToIPv6)
            return false;
        address = Of(parsed);
        return true;
    }

    public static PodAddress Of(IPAddress address)
    {
        UInt128 value = 0;
        foreach (var part in address.GetAddressBytes()) value = (value << 8) | part;
        return new PodAddress(address.AddressFamily == AddressFamily.InterNetworkV6, value);
    }

    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[IsV6 ? 16 : 4];
        for (var i = 0; i < bytes.Length; i++) bytes[i] = (byte)(Value >> (8 * (bytes.Length - 1 - i)));
        return new IPAddress(bytes).ToString();
    }

    private static bool TryParseV4(string text, out PodAddress address)
    {
        address = default;
        var parts = text.Split('.');
        if (parts.Length != 4) return false;
        UInt128 value = 0;
        foreach (var part in parts)
        {
            // A leading zero is octal to some and decimal to others.
            if (part.Length is 0 or > 3 || (part.Length > 1 && part[0] == '0') || !part.All(char.IsAsciiDigit)
                || !byte.TryParse(part, out var number)) return false;
            value = (value << 8) | number;
        }
        address = new PodAddress(false, value);
        return true;
    }
}
