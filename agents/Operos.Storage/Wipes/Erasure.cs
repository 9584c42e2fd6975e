using Operos.Storage.Looks;
using Operos.Storage.Records;

namespace Operos.Storage.Wipes;

/// <summary>
/// Overwrites with zeros whatever says what a disk or a partition of it is. First what is in the partitions, as long as their table says
/// where they are; then the disk's own places; the record that says that it is being wiped last.
/// </summary>
internal static class Erasure
{
    private const int Chunk = 1 << 20, MostPartitions = 256;

    private static readonly byte[] Zeros = new byte[Chunk];

    /// <param name="evidence">What stands on it.</param>
    /// <param name="progress">Is told the bytes that were written so far.</param>
    /// <exception cref="IOException">Something cannot be written.</exception>
    public static void Run(IDiskBlocks disk, DiskEvidence evidence, IProgress<long> progress, CancellationToken cancellationToken)
    {
        var records = DiskRecord.PlacesOn(disk.Bytes).Select(place => new Extent(place, ErasePattern.Block)).ToList();
        var written = 0L;
        void Erase(IEnumerable<Extent> extents, IReadOnlyList<Extent> kept)
        {
            foreach (var extent in Without(Merge(extents, disk.Bytes), kept))
            {
                for (var at = extent.Offset; at < extent.End; at += Chunk)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    var length = (int)Math.Min(Chunk, extent.End - at);
                    disk.Write(at, Zeros.AsSpan(0, length));
                    written += length;
                    progress.Report(written);
                }
            }
            disk.Flush();
        }
        Erase(InPartitions(evidence, disk.Bytes), records);
        Erase(OfTables(evidence).Concat(ReadPlan.Of(disk.Bytes)), records);
        foreach (var record in Enumerable.Reverse(records)) Erase([record], []);
    }

    /// <summary>What would be read of each partition if it were a disk.</summary>
    private static IEnumerable<Extent> InPartitions(DiskEvidence evidence, long bytes) => evidence.Tables
        .SelectMany(table => table.Partitions.Select(partition => new Extent(partition.Offset, partition.Bytes)))
        .Concat(evidence.Facts.Partitions.Select(partition => new Extent(partition.Offset, partition.Bytes)))
        .Where(extent => extent.Offset >= 0 && extent.Length > 0 && extent.End <= bytes && extent.End > 0)
        .Distinct().Take(MostPartitions)
        .SelectMany(extent => ReadPlan.Of(extent.Length).Select(part => part with { Offset = extent.Offset + part.Offset }));

    /// <summary>A table may stand where the disk's end was, and a record, too.</summary>
    private static IEnumerable<Extent> OfTables(DiskEvidence evidence)
    {
        foreach (var table in evidence.Tables)
        {
            yield return new(table.Header, table.Sector);
            yield return new(table.Entries, table.EntriesLength);
        }
        foreach (var signature in evidence.Signatures) yield return new(signature.Offset, signature.At - signature.Offset + 1);
        foreach (var record in new[] { evidence.Records.First.Record, evidence.Records.Second.Record }.OfType<DiskRecord>())
        {
            if (record.Bytes >= evidence.Bytes) continue;
            foreach (var place in DiskRecord.PlacesOn(record.Bytes)) yield return new(place, ErasePattern.Block);
        }
    }

    /// <summary>In ascending order, without overlaps, in whole blocks of 4 KiB but for the disk's last bytes.</summary>
    private static List<Extent> Merge(IEnumerable<Extent> extents, long bytes)
    {
        const int block = ErasePattern.Block;
        var merged = new List<Extent>();
        foreach (var extent in extents.OrderBy(extent => extent.Offset))
        {
            var start = extent.Offset / block * block;
            var end = Math.Min(bytes, (extent.End + block - 1) / block * block);
            if (end <= start) continue;
            if (merged.Count > 0 && start <= merged[^1].End)
                merged[^1] = merged[^1] with { Length = Math.Max(merged[^1].End, end) - merged[^1].Offset };
            else merged.Add(new(start, end - start));
        }
        return merged;
    }

    private static IEnumerable<Extent> Without(List<Extent> extents, IReadOnlyList<Extent> kept)
    {
        foreach (var extent in extents)
        {
            var from = extent.Offset;
            foreach (var hole in kept.Where(hole => hole.Overlaps(extent.Offset, extent.Length)).OrderBy(hole => hole.Offset))
            {
                if (hole.Offset > from) yield return new(from, hole.Offset - from);
                from = hole.End;
            }
            if (from < extent.End) yield return new(from, extent.End - from);
        }
    }
}
