namespace Operos.Storage.Looks;

/// <summary>Whether a disk holds anything where something known would stand.</summary>
/// <param name="Written">Where blocks of 4 KiB begin that are not erased: the first of them.</param>
/// <param name="IsComplete">Whether every place was read; a scan ends early when it has found enough.</param>
public sealed record DiskContent(IReadOnlyList<long> Written, bool IsComplete);

/// <summary>Reads what <see cref="ReadPlan"/> names.</summary>
internal static class ContentScan
{
    /// <summary>As many places of what is there say enough.</summary>
    private const int Enough = 4;

    private const int Chunk = 256 * 1024;

    /// <param name="known">Blocks that are not judged, such as those of our own record.</param>
    public static DiskContent Run(BoundedReads reads, IReadOnlyList<Extent> known)
    {
        var written = new List<long>();
        var complete = true;
        foreach (var extent in ReadPlan.Of(reads.DiskBytes))
        {
            for (var at = extent.Offset; at < extent.End; at += Chunk)
            {
                var length = (int)Math.Min(Chunk, extent.End - at);
                if (!reads.TryRead(at, length, out var bytes))
                {
                    complete = false;
                    if (reads.GivenUp is not null) return new(written, false);
                    continue;
                }
                for (var from = 0; ErasePattern.FirstWritten(bytes[from..]) is var block && block >= 0; from += block + ErasePattern.Block)
                {
                    var place = at + from + block;
                    if (!known.Any(extent => extent.Overlaps(place, ErasePattern.Block))) written.Add(place);
                    if (written.Count == Enough) return new(written, false);
                    if (from + block + ErasePattern.Block >= bytes.Length) break;
                }
            }
        }
        return new(written, complete);
    }
}
