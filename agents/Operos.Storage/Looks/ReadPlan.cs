using Operos.Storage.Signatures;

namespace Operos.Storage.Looks;

/// <summary>Bytes that lie side by side.</summary>
internal readonly record struct Extent(long Offset, long Length)
{
    public long End => Offset + Length;

    public bool Overlaps(long offset, long length) => offset < End && offset + length > Offset;
}

/// <summary>What must be erased on a disk that is called blank: wherever anything known would stand, and samples of the rest.</summary>
internal static class ReadPlan
{
    private const int KiB = 1024, MiB = 1024 * KiB;

    /// <summary>
    /// Of the start: a boot loader, partition tables, the second header of LUKS2 and its keys (to 8 MiB), the first labels and headers of
    /// everything in a partition that begins at 1 MiB.
    /// </summary>
    public const int Head = 8 * MiB;

    /// <summary>
    /// Of the end: firmware's arrays, the backup of a GPT, md, DRBD, and the last labels of a ZFS that left 8 MiB for a small last
    /// partition, as it does on whole disks.
    /// </summary>
    public const int Tail = 16 * MiB;

    /// <summary>Evenly spread, from the start on: three of them lie where XFS begins its other three allocation groups.</summary>
    public const int Samples = 64, SampleBytes = 64 * KiB;

    /// <summary>Where most partition tables let the first partition begin: what has its place on a disk may have it there, too.</summary>
    private const long FirstPartition = MiB;

    /// <summary>In ascending order, without overlaps, in whole blocks of 4 KiB but for the disk's last bytes.</summary>
    public static IReadOnlyList<Extent> Of(long bytes)
    {
        var wanted = new List<Extent> { new(0, Head), new(bytes - Tail, Tail) };
        for (var i = 0; i < Samples; i++) wanted.Add(new(bytes / Samples * i, SampleBytes));
        foreach (var form in KnownForms.All)
        {
            foreach (var place in form.Places)
            {
                if (place.On(bytes) is not { } offset) continue;
                wanted.Add(new(offset, form.Length));
                wanted.Add(new(offset + FirstPartition, form.Length));
            }
        }
        return Merge(wanted, bytes);
    }

    private static List<Extent> Merge(List<Extent> wanted, long bytes)
    {
        const int block = ErasePattern.Block;
        var merged = new List<Extent>();
        foreach (var extent in wanted.OrderBy(extent => extent.Offset))
        {
            var start = Math.Max(0, extent.Offset / block * block);
            var end = Math.Min(bytes, (extent.End + block - 1) / block * block);
            if (end <= start) continue;
            if (merged.Count > 0 && start <= merged[^1].End)
                merged[^1] = merged[^1] with { Length = Math.Max(merged[^1].End, end) - merged[^1].Offset };
            else merged.Add(new(start, end - start));
        }
        return merged;
    }
}
