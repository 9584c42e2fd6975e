using System.Buffers.Binary;
using System.Net;

namespace Operos.Net.Tests;

/// <summary>A DHCP server's packet, byte by byte, so that any of it can be wrong.</summary>
internal static class DhcpReply
{
    public const byte Offer = 2, Ack = 5, Nak = 6;
    private const int OptionsAt = 240;

    /// <summary>The options of a sound offer from 10.77.0.51, after the message's type.</summary>
    public static readonly byte[] Server = Dhcp.Option(54, 10, 77, 0, 51), OtherServer = Dhcp.Option(54, 10, 77, 0, 9),
        Mask = Dhcp.Option(1, 255, 255, 255, 0), Lease = Dhcp.Option(51, 0, 0, 14, 16);

    public static byte[] Write(byte[] request, byte type, string address, params byte[][] options) =>
        Raw(request, address, [.. Dhcp.Option(53, type), .. options.SelectMany(option => option), 255]);

    /// <param name="options">As they come, with or without type and end.</param>
    public static byte[] Raw(byte[] request, string address, byte[] options)
    {
        var packet = new byte[Math.Max(300, OptionsAt + options.Length)];
        (packet[0], packet[1], packet[2]) = (2, 1, 6);
        request.AsSpan(4, 4).CopyTo(packet.AsSpan(4));
        packet[10] = 0x80;
        IPAddress.Parse(address).GetAddressBytes().CopyTo(packet, 16);
        request.AsSpan(28, 16).CopyTo(packet.AsSpan(28));
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(236), 0x63825363);
        options.CopyTo(packet, OptionsAt);
        return packet;
    }

    /// <summary>The packet with bytes of it replaced.</summary>
    public static byte[] With(this byte[] packet, int at, params byte[] bytes)
    {
        bytes.CopyTo(packet, at);
        return packet;
    }

    /// <summary>The value of an option of a client's message; null where it is not in it.</summary>
    public static byte[]? Find(byte[] packet, byte code)
    {
        for (var at = OptionsAt; at + 1 < packet.Length && packet[at] != 255; at += packet[at] == 0 ? 1 : 2 + packet[at + 1])
            if (packet[at] == code) return packet.AsSpan(at + 2, packet[at + 1]).ToArray();
        return null;
    }
}
