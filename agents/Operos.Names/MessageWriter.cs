using System.Buffers.Binary;
using System.Text;

namespace Operos.Names;

/// <summary>Writes a DNS message (RFC 1035, 4.1): numbers in network order, names with pointers to what was written before.</summary>
internal sealed class MessageWriter
{
    private const int LastPointer = 0x3fff;
    private readonly MemoryStream stream = new();
    private readonly Dictionary<string, int> names = new(StringComparer.Ordinal);

    public int Length => (int)stream.Length;

    public void Byte(int value) => stream.WriteByte((byte)value);

    public void UInt16(int value)
    {
        Byte(value >> 8);
        Byte(value);
    }

    public void UInt32(uint value)
    {
        UInt16((int)(value >> 16));
        UInt16((int)value);
    }

    public void Bytes(ReadOnlySpan<byte> bytes) => stream.Write(bytes);

    /// <summary>A name that may point to an earlier one and be pointed to: an owner's.</summary>
    public void Name(string name)
    {
        for (var rest = name; rest.Length > 0;)
        {
            if (names.TryGetValue(rest, out var earlier))
            {
                UInt16(0xc000 | earlier);
                return;
            }
            if (Length <= LastPointer) names[rest] = Length;
            var parts = rest.Split('.', 2);
            Label(parts[0]);
            rest = parts.ElementAtOrDefault(1) ?? "";
        }
        Byte(0);
    }

    /// <summary>A name in full: in SRV records and signatures nothing may be left out (RFC 2782; RFC 8945, 4.3.3).</summary>
    public void WholeName(string name)
    {
        foreach (var label in name.Split('.')) Label(label);
        Byte(0);
    }

    /// <summary>What follows, with its length before it.</summary>
    public void Data(Action write)
    {
        var start = Length;
        UInt16(0);
        write();
        Patch(start, Length - start - 2);
    }

    /// <summary>Puts a number where another stood.</summary>
    public void Patch(int position, int value) =>
        BinaryPrimitives.WriteUInt16BigEndian(stream.GetBuffer().AsSpan(position, 2), (ushort)value);

    public byte[] ToArray() => stream.ToArray();

    private void Label(string label)
    {
        Byte(label.Length);
        Bytes(Encoding.ASCII.GetBytes(label));
    }
}
