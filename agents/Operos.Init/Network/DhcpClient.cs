using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Operos.Init.Settings;
using Operos.Linux;

namespace Operos.Init.Network;

/// <summary>A lease on one interface: DISCOVER, OFFER, REQUEST, ACK (RFC 2131, 4.4.1).</summary>
internal static class DhcpClient
{
    private const int SOL_SOCKET = 1, SO_BINDTODEVICE = 25, SO_RCVBUFFORCE = 33;

    /// <summary>In bytes (socket(7)): room for a few thousand packets, so that a flood does not drown the answer behind it.</summary>
    private const int ReceiveBuffer = 1 << 20;

    /// <summary>Asks once and waits; null where no server gave an address in time.</summary>
    public static DhcpMessage? Acquire(NetworkInterface nic, TimeSpan patience, ushort secondsElapsed)
    {
        var mac = nic.Mac.Split(':').Select(part => Convert.ToByte(part, 16)).ToArray();
        if (mac.Length != 6) return null;
        using var socket = Open(nic.Name);
        var transaction = (uint)Random.Shared.NextInt64(uint.MaxValue);
        Send(socket, new DhcpMessage { Type = DhcpType.Discover, Transaction = transaction }.Write(mac, secondsElapsed));
        var offer = Receive(socket, mac, transaction, patience, message => message is { Type: DhcpType.Offer, ServerIdentifier: not null }
            && IsUsable(message));
        if (offer is null) return null;
        var request = new DhcpMessage { Type = DhcpType.Request, Transaction = transaction, Requested = offer.Address,
            ServerIdentifier = offer.ServerIdentifier };
        Send(socket, request.Write(mac, secondsElapsed));
        // Only the server that was asked may answer, and only with what it offered: RFC 2131, 4.3.1 and 3.1.
        var answer = Receive(socket, mac, transaction, patience, message => offer.ServerIdentifier!.Equals(message.ServerIdentifier)
            && (message.Type == DhcpType.Nak || (message.Type == DhcpType.Ack && message.Address.Equals(offer.Address)
                && IsUsable(message))));
        return answer is { Type: DhcpType.Ack } ? answer : null;
    }

    private static bool IsUsable(DhcpMessage message) =>
        message.Mask is { } mask && LoaderAddress.PrefixLength(mask) is { } length and >= 1 and <= 32 && IsHost(message.Address, length);

    /// <summary>
    /// Whether a machine may have the address: neither this-net, loopback, multicast or above (RFC 1122, 3.2.1.3), nor its net's first or
    /// last.
    /// </summary>
    private static bool IsHost(IPAddress address, int prefix)
    {
        var number = BinaryPrimitives.ReadUInt32BigEndian(address.GetAddressBytes());
        if ((number >> 24) is 0 or 127 or >= 224) return false;
        // Nets of two addresses or one have no broadcast (RFC 3021).
        if (prefix >= 31) return true;
        var last = uint.MaxValue >> prefix;
        return (number & last) != 0 && (number & last) != last;
    }

    private static Socket Open(string nic)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { EnableBroadcast = true };
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        socket.SetRawSocketOption(SOL_SOCKET, SO_RCVBUFFORCE, BitConverter.GetBytes(ReceiveBuffer));
        socket.SetRawSocketOption(SOL_SOCKET, SO_BINDTODEVICE, Encoding.ASCII.GetBytes(nic + "\0"));
        socket.Bind(new IPEndPoint(IPAddress.Any, 68));
        return socket;
    }

    private static void Send(Socket socket, byte[] packet) => socket.SendTo(packet, new IPEndPoint(IPAddress.Broadcast, 67));

    private static DhcpMessage? Receive(Socket socket, byte[] mac, uint transaction, TimeSpan patience, Func<DhcpMessage, bool> wanted)
    {
        var packet = new byte[1500];
        var deadline = Environment.TickCount64 + (long)patience.TotalMilliseconds;
        for (var left = deadline - Environment.TickCount64; left > 0; left = deadline - Environment.TickCount64)
        {
            if (!socket.Poll(TimeSpan.FromMilliseconds(left), SelectMode.SelectRead)) return null;
            var length = socket.Receive(packet);
            if (DhcpMessage.Read(packet.AsSpan(0, length), mac, transaction) is { } message && wanted(message)) return message;
        }
        return null;
    }
}
