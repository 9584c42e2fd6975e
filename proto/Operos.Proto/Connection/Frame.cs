using System.Buffers.Binary;
using Nerdbank.MessagePack;
using PolyType.SourceGenerator;

namespace Operos.Proto.Connection;

/// <summary>
/// A message on the wire: payload length (4 bytes, big-endian), call number (4 bytes, big-endian; the top bit marks a reply), then the
/// message as MessagePack. proto/README.md is the specification.
/// </summary>
internal static class Frame
{
    public const int HeaderSize = 8;
    private const uint ReplyBit = 0x8000_0000;

    /// <summary>Deep nesting in a hostile message ends here, not on the stack.</summary>
    private static readonly MessagePackSerializer Serializer = new() { StartingContext = new SerializationContext { MaxDepth = 16 } };

    public static byte[] Write(uint call, bool reply, Message message)
    {
        var payload = Serializer.Serialize(message, TypeShapeProvider_Operos_Proto.Default.Message);
        var frame = new byte[HeaderSize + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length);
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(4), reply ? call | ReplyBit : call);
        payload.CopyTo(frame, HeaderSize);
        return frame;
    }

    public static (int Length, uint Call, bool Reply) ReadHeader(ReadOnlySpan<byte> header)
    {
        var call = BinaryPrimitives.ReadUInt32BigEndian(header[4..]);
        return (BinaryPrimitives.ReadInt32BigEndian(header), call & ~ReplyBit, (call & ReplyBit) != 0);
    }

    /// <summary>Null where the payload is no message that this version knows.</summary>
    public static Message? ReadMessage(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        try { return Serializer.Deserialize(payload, TypeShapeProvider_Operos_Proto.Default.Message, cancellationToken); }
        catch (MessagePackSerializationException) { return null; }
    }
}
