using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Operos.Net.Tests;

/// <summary>Firmware's side of DHCP, odd options and all.</summary>
internal static class Dhcp
{
    private static int questions;

    public static readonly byte[] Mac = [0x52, 0x54, 0, 0xcc, 0, 1];

    public sealed record Reply(byte Type, IPAddress Address, string File, IReadOnlyDictionary<byte, byte[]> Options);

    /// <summary>Broadcasts a message and waits for its reply; null where nobody answers.</summary>
    public static Reply? Ask(Socket socket, byte type, params byte[][] options)
    {
        var packet = new byte[548];
        // An answer to an earlier question, which came late, is none to this one.
        var question = (byte)Interlocked.Increment(ref questions);
        (packet[0], packet[1], packet[2], packet[7]) = (1, 1, 6, question);
        packet[10] = 0x80;
        Mac.CopyTo(packet, 28);
        ((byte[])[0x63, 0x82, 0x53, 0x63, 53, 1, type, .. options.SelectMany(option => option), 255]).CopyTo(packet, 236);
        socket.SendTo(packet, new IPEndPoint(IPAddress.Broadcast, 67));
        var buffer = new byte[1500];
        try
        {
            while (true)
            {
                var length = socket.Receive(buffer);
                if (length > 240 && buffer[0] == 2 && buffer[7] == question) return Read(buffer.AsSpan(0, length));
            }
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.TimedOut) { return null; }
    }

    /// <summary>Asks as firmware does, which asks again where nothing came.</summary>
    public static Reply? AskAgain(Socket socket, byte type, params byte[][] options)
    {
        const int most = 4;
        for (var asked = 1; ; asked++)
            if (Ask(socket, type, options) is { } reply) return reply;
            else if (asked == most) return null;
    }

    public static byte[] Option(byte code, params byte[] value) => [code, (byte)value.Length, .. value];

    public static byte[] Vendor(string text) => Option(60, Encoding.ASCII.GetBytes(text));

    private static Reply Read(ReadOnlySpan<byte> packet)
    {
        var options = new Dictionary<byte, byte[]>();
        for (var rest = packet[240..]; rest.Length > 1 && rest[0] != 255; rest = rest[0] == 0 ? rest[1..] : rest[(2 + rest[1])..])
            if (rest[0] != 0) options[rest[0]] = rest.Slice(2, rest[1]).ToArray();
        var file = options.TryGetValue(67, out var named) ? named : packet.Slice(108, 128).ToArray();
        return new Reply(options[53][0], new IPAddress(packet.Slice(16, 4)), Encoding.ASCII.GetString(file).TrimEnd('\0'), options);
    }
}
