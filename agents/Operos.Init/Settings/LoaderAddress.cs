using System.Net;
using System.Net.Sockets;

namespace Operos.Init.Settings;

/// <summary>The address that the boot loader got and passes on as <c>ip=client:server:gateway:netmask</c> (nfsroot.rst).</summary>
internal sealed record LoaderAddress(IPAddress Address, IPAddress Mask, IPAddress? Gateway)
{
    /// <summary>Null where the argument is missing, asks for DHCP or is not usable: the machine then asks for an address itself.</summary>
    public static LoaderAddress? Parse(string? value)
    {
        var parts = value?.Split(':') ?? [];
        if (parts.Length < 4) return null;
        if (ReadIPv4(parts[0]) is not { } address || ReadIPv4(parts[3]) is not { } mask || PrefixLength(mask) is not (>= 1 and <= 32))
            return null;
        return new LoaderAddress(address, mask, ReadIPv4(parts[2]));
    }

    /// <summary>The number of leading ones, or null where they are not contiguous.</summary>
    public static int? PrefixLength(IPAddress mask)
    {
        var bits = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(mask.GetAddressBytes());
        var length = System.Numerics.BitOperations.LeadingZeroCount(~bits);
        return length == 32 || bits << length == 0 ? length : null;
    }

    private static IPAddress? ReadIPv4(string text) =>
        IPAddress.TryParse(text, out var address) && address.AddressFamily == AddressFamily.InterNetwork && !address.Equals(IPAddress.Any)
            ? address : null;
}
