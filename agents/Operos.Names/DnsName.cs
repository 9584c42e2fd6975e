using System.Net;
using System.Net.Sockets;

namespace Operos.Names;

/// <summary>Domain names as they are written here: ASCII in lower case, without the last dot.</summary>
public static class DnsName
{
    private const int MaxLabel = 63, MaxName = 253;

    /// <summary>A label of a host's name: letters, digits and dashes, no dash at an end (RFC 1123, 2.1).</summary>
    public static bool IsLabel(string? label) =>
        label is { Length: > 0 and <= MaxLabel } && label[0] != '-' && label[^1] != '-'
            && label.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    /// <summary>Of host labels, and within the bounds of RFC 1035, 2.3.4.</summary>
    public static bool IsName(string? name) => name is { Length: > 0 and <= MaxName } && name.Split('.').All(IsLabel);

    /// <summary>The name that asks for an address's PTR record (RFC 1035, 3.5; RFC 3596, 2.5).</summary>
    public static string Reverse(IPAddress address)
    {
        var bytes = address.GetAddressBytes();
        Array.Reverse(bytes);
        return address.AddressFamily == AddressFamily.InterNetwork
            ? string.Join('.', bytes) + ".in-addr.arpa"
            : string.Join('.', bytes.Select(value => $"{value & 15:x}.{value >> 4:x}")) + ".ip6.arpa";
    }

    /// <summary>The zones that hold a network's PTR records and nobody else's: one, or several where it ends within a label.</summary>
    public static IEnumerable<string> ReverseZones(IPNetwork network)
    {
        var four = network.BaseAddress.AddressFamily == AddressFamily.InterNetwork;
        var (bits, labels) = four ? (8, 4) : (4, 32);
        var fixedLabels = Math.Max(1, (network.PrefixLength + bits - 1) / bits);
        var spare = Math.Max(0, fixedLabels * bits - network.PrefixLength);
        var bytes = network.BaseAddress.GetAddressBytes();
        for (var number = 0; number < 1 << spare; number++)
        {
            var copy = (byte[])bytes.Clone();
            var last = fixedLabels - 1;
            if (four) copy[last] |= (byte)number;
            else copy[last / 2] |= (byte)(last % 2 == 0 ? number << 4 : number);
            yield return string.Join('.', Reverse(new IPAddress(copy)).Split('.').Skip(labels - fixedLabels));
        }
    }
}
