using System.Buffers.Binary;
using System.Net;

namespace Operos.Init.Network;

internal enum DhcpType : byte { Discover = 1, Offer = 2, Request = 3, Decline = 4, Ack = 5, Nak = 6 }

/// <summary>A BOOTP message with DHCP options (RFC 2131, RFC 2132), as much of it as a booting machine needs.</summary>
internal sealed record DhcpMessage
{
    private const uint Cookie = 0x63825363;
    private const int HeaderSize = 236;
    private const ushort BroadcastFlag = 0x8000;
    private const byte Pad = 0, End = 255, Overload = 52;

    public required DhcpType Type { get; init; }
    public required uint Transaction { get; init; }
    public IPAddress Address { get; init; } = IPAddress.Any;
    public IPAddress? ServerIdentifier { get; init; }
    public IPAddress? Mask { get; init; }
    public IPAddress? Gateway { get; init; }
    public IPAddress? Requested { get; init; }
    public uint LeaseSeconds { get; init; }

    /// <summary>A client's message, from the MAC given.</summary>
    public byte[] Write(ReadOnlySpan<byte> mac, ushort seconds)
    {
        var packet = new byte[300];
        packet[0] = 1;
        packet[1] = 1;
        packet[2] = 6;
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(4), Transaction);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(8), seconds);
        // Nothing can be sent to an address that is not ours yet.
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), BroadcastFlag);
        mac.CopyTo(packet.AsSpan(28));
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(HeaderSize), Cookie);
        var at = HeaderSize + 4;
        at = Put(packet, at, 53, [(byte)Type]);
        // The hardware address as client id, as systemd-networkd sends it later: one machine keeps one lease.
        at = Put(packet, at, 61, [1, .. mac]);
        if (Requested is not null) at = Put(packet, at, 50, Requested.GetAddressBytes());
        if (ServerIdentifier is not null) at = Put(packet, at, 54, ServerIdentifier.GetAddressBytes());
        at = Put(packet, at, 60, "operos"u8);
        at = Put(packet, at, 55, [1, 3, 6, 51, 54]);
        packet[at] = End;
        return packet;
    }

    /// <summary>A server's reply; null where the packet is malformed or for another client.</summary>
    public static DhcpMessage? Read(ReadOnlySpan<byte> packet, ReadOnlySpan<byte> mac, uint transaction)
    {
        if (packet.Length < HeaderSize + 4 || packet[0] != 2 || packet[1] != 1 || packet[2] != 6) return null;
        if (BinaryPrimitives.ReadUInt32BigEndian(packet[4..]) != transaction || !packet.Slice(28, 6).SequenceEqual(mac)) return null;
        if (BinaryPrimitives.ReadUInt32BigEndian(packet[HeaderSize..]) != Cookie) return null;
        var options = new Dictionary<byte, byte[]>();
        if (!ReadOptions(packet[(HeaderSize + 4)..], options)) return null;
        // RFC 2131, 4.1: the file and server-name fields may hold more options.
        if (options.TryGetValue(Overload, out var overload) && overload.Length == 1)
        {
            if ((overload[0] & 1) != 0 && !ReadOptions(packet.Slice(108, 128), options)) return null;
            if ((overload[0] & 2) != 0 && !ReadOptions(packet.Slice(44, 64), options)) return null;
        }
        if (!options.TryGetValue(53, out var type) || type.Length != 1) return null;
        return new DhcpMessage
        {
            Type = (DhcpType)type[0],
            Transaction = transaction,
            Address = new IPAddress(packet.Slice(16, 4)),
            ServerIdentifier = ReadAddress(options, 54),
            Mask = ReadAddress(options, 1),
            Gateway = ReadAddress(options, 3),
            LeaseSeconds = options.TryGetValue(51, out var lease) && lease.Length == 4 ? BinaryPrimitives.ReadUInt32BigEndian(lease) : 0,
        };
    }

    private static int Put(byte[] packet, int at, byte code, ReadOnlySpan<byte> value)
    {
        packet[at] = code;
        packet[at + 1] = (byte)value.Length;
        value.CopyTo(packet.AsSpan(at + 2));
        return at + 2 + value.Length;
    }

    private static bool ReadOptions(ReadOnlySpan<byte> field, Dictionary<byte, byte[]> options)
    {
        while (!field.IsEmpty && field[0] != End)
        {
            if (field[0] == Pad) { field = field[1..]; continue; }
            if (field.Length < 2 || field.Length < 2 + field[1]) return false;
            options.TryAdd(field[0], field.Slice(2, field[1]).ToArray());
            field = field[(2 + field[1])..];
        }
        return true;
    }

    /// <summary>The first address of an option; a list may follow it.</summary>
    private static IPAddress? ReadAddress(Dictionary<byte, byte[]> options, byte code) =>
        options.TryGetValue(code, out var value) && value.Length >= 4 ? new IPAddress(value.AsSpan(0, 4)) : null;
}
