using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Operos.Controller.Configuration;

/// <summary>
/// IPv4 addresses as the configuration has them: four decimal numbers. Programs differ in what they make of anything else: to some
/// 10.077.0.1 is 10.63.0.1 (RFC 6943, 3.1.1).
/// </summary>
internal static class DottedAddress
{
    public const string Expected = "an IPv4 address is expected, such as \"10.77.0.1\"";
    private const int Longest = 32;

    /// <returns>Null where it is no address of four decimal numbers.</returns>
    public static IPAddress? Parse(string text)
    {
        var parts = text.Split('.');
        return parts.Length == 4 && parts.All(IsDecimal)
            ? new IPAddress([.. parts.Select(part => byte.Parse(part, NumberStyles.None, CultureInfo.InvariantCulture))]) : null;
    }

    /// <summary>What .NET takes four numbers for of which some begin with 0; null where it takes them for nothing.</summary>
    public static IPAddress? ParseAmbiguous(string text) =>
        IPAddress.TryParse(text, out var address) && address.AddressFamily == AddressFamily.InterNetwork && text.Count(c => c == '.') == 3
            ? address : null;

    /// <summary>What is wrong with an address; null where nothing is.</summary>
    /// <param name="expected">What should stand there.</param>
    public static string? Problem(string text, string expected)
    {
        if (Parse(text) is not null) return null;
        if (text.Contains(':', StringComparison.Ordinal) && IPAddress.TryParse(text, out var address)
            && address.AddressFamily == AddressFamily.InterNetworkV6) return $"is IPv6, which is not served here: {expected}";
        var plain = string.Join('.', text.Split('.').Select(part => part.TrimStart('0') is { Length: > 0 } rest ? rest : "0"));
        return text.Length <= Longest && Parse(plain) is not null
            ? $"{text} has a number that begins with 0, which some programs read as octal: write {plain}"
            : expected + ConfigurationValues.Not(text);
    }

    /// <summary>The bits of a network's prefix; null where they are no decimal number.</summary>
    public static int? ParsePrefix(string text) =>
        byte.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var bits) ? bits : null;

    /// <summary>Whether every label is a number: a name that some programs would take for an address.</summary>
    public static bool IsNumeric(string name) =>
        name.Split('.').All(label => label.Length > 0 && (label.All(char.IsAsciiDigit)
            || label.StartsWith("0x", StringComparison.OrdinalIgnoreCase) && label[2..].All(char.IsAsciiHexDigit)));

    /// <summary>Whether it may be one machine's own: not this network (0), loopback (127), multicast or reserved (224 and more).</summary>
    public static bool IsUnicast(IPAddress address) => address.GetAddressBytes()[0] is > 0 and < 224 and not 127;

    public static uint Number(IPAddress address) => BinaryPrimitives.ReadUInt32BigEndian(address.GetAddressBytes());

    public static IPAddress Address(uint number) => new([(byte)(number >> 24), (byte)(number >> 16), (byte)(number >> 8), (byte)number]);

    public static IPAddress Broadcast(IPNetwork network) => Address(Number(network.BaseAddress) | (uint.MaxValue >> network.PrefixLength));

    private static bool IsDecimal(string part) =>
        byte.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out _) && (part.Length == 1 || part[0] != '0');
}
