using Operos.Storage.Records;

namespace Operos.Storage.Looks;

/// <summary>
/// What a write of our own partition table leaves where it is cut: blocks at either end of a disk that hold parts of that table, and
/// nothing else.
/// </summary>
internal static class TableRemains
{
    /// <summary>What a table takes at an end of the disk, of sectors of either size.</summary>
    public const int Longest = 24 * 1024;

    /// <summary>A table's entry, and what a header or a protective MBR is judged in.</summary>
    private const int Part = 128;

    private const int BootCode = 446, MbrEntry = 16, ProtectiveType = 0xEE, HeaderBytes = 92, HeaderTable = 56;

    /// <summary>The blocks of 4 KiB of which that is so, by their places; erased ones are not among them.</summary>
    public static IReadOnlyList<Extent> Find(BoundedReads reads, Guid table)
    {
        const int block = ErasePattern.Block;
        var found = new List<Extent>();
        var last = (reads.DiskBytes - Longest) / block * block;
        foreach (var (from, to) in new[] { (0L, (long)Longest), (last, reads.DiskBytes) })
        {
            for (var at = from; at < to; at += block)
            {
                var length = (int)Math.Min(block, to - at);
                if (reads.TryRead(at, length, out var bytes) && !ErasePattern.IsErased(bytes) && IsOurs(bytes, at, table))
                    found.Add(new(at, length));
            }
        }
        return found;
    }

    private static bool IsOurs(ReadOnlySpan<byte> block, long place, Guid table)
    {
        if (place == 0)
        {
            if (!IsProtective(block[..512])) return false;
            block = block[512..];
        }
        for (; block.Length > 0; block = block[Math.Min(Part, block.Length)..])
        {
            var part = block[..Math.Min(Part, block.Length)];
            if (!ErasePattern.IsErased(part) && !IsHeader(part, table) && !IsEntry(part)) return false;
        }
        return true;
    }

    private static bool IsHeader(ReadOnlySpan<byte> part, Guid table) => part.Length == Part && part.StartsWith("EFI PART"u8)
        && new Guid(part.Slice(HeaderTable, 16)) == table && !part[HeaderBytes..].ContainsAnyExcept((byte)0);

    private static bool IsEntry(ReadOnlySpan<byte> part) => part.Length == Part && OwnPartitionTypes.Contains(new Guid(part[..16]));

    /// <summary>No boot code, and no entry but the one that keeps others away.</summary>
    private static bool IsProtective(ReadOnlySpan<byte> sector)
    {
        if (ErasePattern.IsErased(sector)) return true;
        if (sector[..BootCode].ContainsAnyExcept((byte)0)) return false;
        for (var at = BootCode; at < BootCode + 4 * MbrEntry; at += MbrEntry)
        {
            var entry = sector.Slice(at, MbrEntry);
            if (entry[4] != ProtectiveType && entry.ContainsAnyExcept((byte)0)) return false;
        }
        return true;
    }
}
