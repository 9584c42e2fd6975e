using System.Buffers.Binary;
using System.Text;
using Operos.Linux;

namespace Operos.Hardware.Inventories;

/// <summary>A structure of the SMBIOS table: its formatted area and its strings (DMTF DSP0134, 6.1).</summary>
internal sealed class SmbiosStructure(byte type, byte[] area, IReadOnlyList<string> strings)
{
    public byte Type { get; } = type;

    public byte Byte(int offset) => offset < area.Length ? area[offset] : (byte)0;
    public ushort Word(int offset) => offset + 2 <= area.Length ? BinaryPrimitives.ReadUInt16LittleEndian(area.AsSpan(offset)) : (ushort)0;
    public uint Double(int offset) => offset + 4 <= area.Length ? BinaryPrimitives.ReadUInt32LittleEndian(area.AsSpan(offset)) : 0;

    /// <summary>The string whose number stands at an offset; null for none.</summary>
    public string? Text(int offset) =>
        Byte(offset) is var number and > 0 && number <= strings.Count ? PrintableText.Line(strings[number - 1]) : null;

    /// <summary>The UUID at an offset; its first three fields are little-endian since SMBIOS 2.6 (DSP0134, 7.2.1).</summary>
    public string? Uuid(int offset) => offset + 16 <= area.Length ? new Guid(area.AsSpan(offset, 16)).ToString() : null;
}

/// <summary>
/// Walks the SMBIOS table that the firmware left. It comes from outside: every length is checked, and a bad one ends the walk.
/// </summary>
internal static class Smbios
{
    private const int MaxTableBytes = 1 << 20, MaxStructures = 4096, MaxStrings = 64;
    private const byte EndOfTable = 127;

    public static IReadOnlyList<SmbiosStructure> Read(ReadOnlySpan<byte> table)
    {
        var structures = new List<SmbiosStructure>();
        if (table.Length > MaxTableBytes) table = table[..MaxTableBytes];
        while (table.Length >= 4 && structures.Count < MaxStructures)
        {
            int type = table[0], length = table[1];
            if (length < 4 || length > table.Length || type == EndOfTable) break;
            var area = table[..length].ToArray();
            table = table[length..];
            var strings = new List<string>();
            // A set of strings ends with an empty one; without strings there are two zeros.
            while (table.Length > 0 && table[0] != 0)
            {
                var end = table.IndexOf((byte)0);
                if (end < 0) return structures;
                if (strings.Count < MaxStrings) strings.Add(Encoding.Latin1.GetString(table[..end]));
                table = table[(end + 1)..];
            }
            structures.Add(new SmbiosStructure((byte)type, area, strings));
            table = table[Math.Min(table.Length, strings.Count == 0 ? 2 : 1)..];
        }
        return structures;
    }
}
