using System.Net;
using System.Net.Sockets;

namespace Operos.Controller.Machines;

/// <summary>
/// The network of an address as far as strangers share it: a /24, or a /64 of IPv6. Who can take one address of it can mostly take the
/// others, so that many of them are no more than one when room is short.
/// </summary>
internal static class SourceNetwork
{
    public static IPNetwork Of(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        var length = address.AddressFamily == AddressFamily.InterNetwork ? 24 : 64;
        var bytes = address.GetAddressBytes();
        bytes.AsSpan(length / 8).Clear();
        return new IPNetwork(new IPAddress(bytes), length);
    }

    /// <summary>Of an address as records have it; what is none is in the network of no address.</summary>
    public static IPNetwork Of(string? address) => Of(IPAddress.TryParse(address, out var parsed) ? parsed : IPAddress.Any);
}
