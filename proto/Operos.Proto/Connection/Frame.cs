using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Frozen;
using Nerdbank.MessagePack;
using PolyType.Abstractions;
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

    // What the runtime builds to write and read a message (generic converters, 6 MB for all of them) is built for those messages alone that
    // this program sends or gets: the union's array of tag and message is read and written here, not by the serializer.
    private static readonly IReadOnlyList<IUnionCaseShape> Cases =
        ((IUnionTypeShape)TypeShapeProvider_Operos_Proto.Default.Message).UnionCases;
    private static readonly FrozenDictionary<int, IUnionCaseShape> ByTag = Cases.ToFrozenDictionary(item => item.Tag);
    private static readonly FrozenDictionary<Type, IUnionCaseShape> ByType = Cases.ToFrozenDictionary(item => item.UnionCaseType.Type);

    public static byte[] Write(uint call, bool reply, Message message)
    {
        var sort = ByType[message.GetType()];
        var buffer = new ArrayBufferWriter<byte>();
        buffer.Write(new byte[HeaderSize]);
        var writer = new MessagePackWriter(buffer);
        writer.WriteArrayHeader(2);
        writer.Write(sort.Tag);
        if (message is Hello { NewestVersion: 0 } greeting) WritePlain(ref writer, greeting);
        else Serializer.SerializeObject(ref writer, message, sort.UnionCaseType);
        writer.Flush();
        var frame = buffer.WrittenSpan.ToArray();
        BinaryPrimitives.WriteInt32BigEndian(frame, frame.Length - HeaderSize);
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(4), reply ? call | ReplyBit : call);
        return frame;
    }

    /// <summary>
    /// A greeting of one version has the bytes that it had before there were ranges: the serializer would write the key that it does
    /// without.
    /// </summary>
    private static void WritePlain(ref MessagePackWriter writer, Hello greeting)
    {
        writer.WriteArrayHeader(2);
        writer.Write(greeting.ProtocolVersion);
        writer.Write(greeting.Agent);
    }

    public static (int Length, uint Call, bool Reply) ReadHeader(ReadOnlySpan<byte> header)
    {
        var call = BinaryPrimitives.ReadUInt32BigEndian(header[4..]);
        return (BinaryPrimitives.ReadInt32BigEndian(header), call & ~ReplyBit, (call & ReplyBit) != 0);
    }

    /// <summary>Null where the payload is no message that this version knows, or holds null where there must be something.</summary>
    public static Message? ReadMessage(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        var reader = new MessagePackReader(payload);
        try
        {
            if (reader.ReadArrayHeader() != 2 || !ByTag.TryGetValue(reader.ReadInt32(), out var sort)) return null;
            return Serializer.DeserializeObject(ref reader, sort.UnionCaseType, cancellationToken) is Message message
                && !message.HoldsNull() ? message : null;
        }
        // The second is what the reader itself throws where a number does not fit, the third where the bytes end.
        catch (Exception e) when (e is MessagePackSerializationException or OverflowException or EndOfStreamException) { return null; }
    }
}
