using System.Net;
using System.Net.Sockets;
using System.Text;
using Operos.Linux;

namespace Operos.Init.Network;

/// <summary>A lease on one interface: DISCOVER, OFFER, REQUEST, ACK (RFC 2131, 4.4.1).</summary>
internal static class DhcpClient
{
    private const int SOL_SOCKET = 1, SO_BINDTODEVICE = 25;

    /// <summary>Asks once and waits; null where no server gave an address in time.</summary>
    public static DhcpMessage? Acquire(NetworkInterface nic, TimeSpan patience, ushort secondsElapsed)
    {
        var mac = nic.Mac.Split(':').Select(part => Convert.ToByte(part, 16)).ToArray();
        if (mac.Length != 6) return null;
        using var socket = Open(nic.Name);
        var transaction = (uint)Random.Shared.NextInt64(uint.MaxValue);
        Send(socket, new DhcpMessage { Type = DhcpType.Discover, Transaction = transaction }.Write(mac, secondsElapsed));
        var offer = Receive(socket, mac, transaction, patience, message => message is { Type: DhcpType.Offer, ServerIdentifier: not null } && IsUsable(message));
        if (offer is null) return null;
        var request = new DhcpMessage { Type = DhcpType.Request, Transaction = transaction, Requested = offer.Address, ServerIdentifier = offer.ServerIdentifier };
        Send(socket, request.Write(mac, secondsElapsed));
        var answer = Receive(socket, mac, transaction, patience, message => message.Type is DhcpType.Ack or DhcpType.Nak);
        return answer is { Type: DhcpType.Ack } && IsUsable(answer) ? answer : null;
    }

    private static bool IsUsable(DhcpMessage message) =>
        !message.Address.Equals(IPAddress.Any) && message.Mask is { } mask && LoaderAddress.PrefixLength(mask) is >= 1 and <= 32;

    private static Socket Open(string nic)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { EnableBroadcast = true };
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
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
