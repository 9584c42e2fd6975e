using System.Buffers.Binary;
using System.Text;
using Operos.Linux;

namespace Operos.Storage.Looks;

/// <summary>A partition that a GPT names.</summary>
/// <param name="Number">From 1, as the table counts.</param>
/// <param name="Offset">In bytes.</param>
public sealed record GuidPartition(int Number, Guid Type, Guid Id, string? Name, long Offset, long Bytes);

/// <summary>A GPT whose checksums hold, primary or backup (UEFI specification, 5.3).</summary>
/// <param name="Sector">The size of the sectors that it counts in.</param>
/// <param name="Header">Where its header stands, in bytes.</param>
/// <param name="Alternate">Where it says that the other one stands.</param>
/// <param name="Entries">Where its entries stand.</param>
public sealed record GuidPartitionTable(Guid Id, int Sector, long Header, long Alternate, long Entries, int EntriesLength,
    IReadOnlyList<GuidPartition> Partitions)
{
    private const int HeaderBytes = 92, NameAt = 56, NameBytes = 72;

    /// <summary>The most bytes of entries that are read: 2,048 of the usual ones.</summary>
    private const int MostEntryBytes = 256 * 1024;

    /// <summary>Whether its header is the second one.</summary>
    public bool IsBackup => Header != Sector;

    /// <summary>Reads the table whose header stands there; null where it is damaged, or none.</summary>
    internal static GuidPartitionTable? Read(BoundedReads reads, long header, int sector)
    {
        if (header % sector != 0 || header + sector > reads.DiskBytes || !reads.TryRead(header, sector, out var bytes)
            || !bytes.StartsWith("EFI PART"u8)) return null;
        var length = BinaryPrimitives.ReadInt32LittleEndian(bytes[12..]);
        if (length < HeaderBytes || length > sector) return null;
        var copy = bytes[..length].ToArray();
        copy.AsSpan(16, 4).Clear();
        if (Crc32.Of(copy) != BinaryPrimitives.ReadUInt32LittleEndian(bytes[16..])) return null;
        var (own, other) = (LongOf(bytes, 24), LongOf(bytes, 32));
        var (entries, count, entryBytes) = (LongOf(bytes, 72), IntOf(bytes, 80), IntOf(bytes, 84));
        var (id, checksum) = (new Guid(bytes.Slice(56, 16)), BinaryPrimitives.ReadUInt32LittleEndian(bytes[88..]));
        // Numbers of sectors become bytes: those that leave what there is on disks are refused before they overflow.
        var last = long.MaxValue / sector / 2;
        if (own != header / sector || other < 0 || other > last || entries < 0 || entries > last || entryBytes is < 128 or > 4096
            || !int.IsPow2(entryBytes) || count < 1 || (long)count * entryBytes > MostEntryBytes) return null;
        var (place, size) = (entries * sector, count * entryBytes);
        if (place + size > reads.DiskBytes || !reads.TryRead(place, size, out var list) || Crc32.Of(list) != checksum) return null;
        return new(id, sector, header, other * sector, place, size, ReadPartitions(list, entryBytes, sector));
    }

    private static List<GuidPartition> ReadPartitions(ReadOnlySpan<byte> list, int entryBytes, int sector)
    {
        var partitions = new List<GuidPartition>();
        for (var at = 0; at < list.Length; at += entryBytes)
        {
            var entry = list.Slice(at, entryBytes);
            var (first, last) = (LongOf(entry, 32), LongOf(entry, 40));
            if (!entry[..16].ContainsAnyExcept((byte)0) || first < 0 || last < first || last >= long.MaxValue / sector) continue;
            var (type, id) = (new Guid(entry[..16]), new Guid(entry.Slice(16, 16)));
            partitions.Add(new(at / entryBytes + 1, type, id, NameOf(entry), first * sector, (last - first + 1) * sector));
        }
        return partitions;
    }

    private static string? NameOf(ReadOnlySpan<byte> entry)
    {
        var text = Encoding.Unicode.GetString(entry.Slice(NameAt, NameBytes));
        return PrintableText.Line(text.IndexOf('\0') is var end && end >= 0 ? text[..end] : text);
    }

    private static long LongOf(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);

    private static int IntOf(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadInt32LittleEndian(bytes[at..]);
}
