using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Operos.Node.Network;

/// <summary>The NIC that carries the node's address.</summary>
/// <param name="Mtu">In bytes.</param>
public sealed record NodeInterface(string Name, IPAddress Address, int Mtu)
{
    /// <summary>The address from which this machine reaches another; no packet is sent.</summary>
    /// <exception cref="NodeException">There is no route to it.</exception>
    public static IPAddress AddressTowards(IPAddress other)
    {
        using var socket = new Socket(other.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            socket.Connect(other, 9);
            return ((IPEndPoint)socket.LocalEndPoint!).Address;
        }
        catch (SocketException e) { throw new NodeException($"there is no route to {other}: {e.Message}", e); }
    }

    /// <exception cref="NodeException">No interface has the address.</exception>
    public static NodeInterface Find(IPAddress address)
    {
        foreach (var nic in NetworkInterface.GetAllNetworkInterfaces())
        {
            var properties = nic.GetIPProperties();
            if (properties.UnicastAddresses.Any(own => own.Address.Equals(address)))
                return new NodeInterface(nic.Name, address, properties.GetIPv4Properties().Mtu);
        }
        throw new NodeException($"no interface has the node's address {address}");
    }
}
