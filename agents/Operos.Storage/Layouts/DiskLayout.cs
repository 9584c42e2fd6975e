using Operos.Storage.Looks;

namespace Operos.Storage.Layouts;

/// <param name="Bytes">Whole MiB.</param>
public sealed record PlannedPartition(PartitionUse Use, long Bytes);

/// <summary>
/// How a disk is split. Partitions follow each other from 1 MiB on; the last 2 MiB stay free, for a record and the second table.
/// </summary>
public sealed record DiskLayout
{
    private const long MiB = 1 << 20, GiB = 1 << 30;

    /// <summary>Where the first partition begins, and how much is left free at the end, in bytes.</summary>
    public const long Start = MiB, FreeAtEnd = 2 * MiB;

    /// <summary>Two releases' layers, and room for a third while it comes.</summary>
    public const long CacheBytes = 2 * GiB;

    /// <summary>A smaller disk has no cache.</summary>
    public const long SmallestWithCache = 32 * GiB;

    /// <summary>What is smaller is not made.</summary>
    public const long SmallestLocal = GiB, SmallestOsd = 4 * GiB;

    /// <summary>In the order of their places; none where the disk is of no use.</summary>
    public required IReadOnlyList<PlannedPartition> Partitions { get; init; }

    /// <summary>The layout of one disk.</summary>
    /// <param name="bytes">The disk's size.</param>
    /// <param name="roles">
    /// What the disk is to have, as far as its size and share allow it; with both <see cref="PartitionUse.Ephemeral"/> and
    /// <see cref="PartitionUse.Volumes"/> each gets half of the local share.
    /// </param>
    public static DiskLayout For(DiskFacts facts, long bytes, DiskShares shares, IReadOnlySet<PartitionUse> roles)
    {
        var left = (bytes - Start - FreeAtEnd) / MiB * MiB;
        var partitions = new List<PlannedPartition>();
        if (left < SmallestLocal) return new() { Partitions = partitions };
        if (roles.Contains(PartitionUse.Cache) && bytes >= SmallestWithCache)
        {
            partitions.Add(new(PartitionUse.Cache, CacheBytes));
            left -= CacheBytes;
        }
        var percent = shares.LocalPercentOf(facts, bytes);
        var hasLocal = percent > 0 && (roles.Contains(PartitionUse.Ephemeral) || roles.Contains(PartitionUse.Volumes));
        var hasOsd = percent < 100 && roles.Contains(PartitionUse.Osd);
        var local = !hasLocal ? 0 : hasOsd ? (long)((Int128)left * percent / 100) / MiB * MiB : left;
        // What is too small goes to the other, but never to one that is not wanted.
        if (hasOsd && left - local < SmallestOsd) (hasOsd, local) = (false, hasLocal ? left : 0);
        if (hasLocal && local < SmallestLocal) (hasLocal, local) = (false, 0);
        if (hasLocal) partitions.AddRange(Local(local, roles));
        if (hasOsd) partitions.Add(new(PartitionUse.Osd, left - local));
        return new() { Partitions = hasLocal || hasOsd ? partitions : [] };
    }

    private static PlannedPartition[] Local(long bytes, IReadOnlySet<PartitionUse> roles)
    {
        var half = bytes / 2 / MiB * MiB;
        if (!roles.Contains(PartitionUse.Ephemeral)) return [new(PartitionUse.Volumes, bytes)];
        return roles.Contains(PartitionUse.Volumes) && half >= SmallestLocal
            ? [new(PartitionUse.Ephemeral, bytes - half), new(PartitionUse.Volumes, half)] : [new(PartitionUse.Ephemeral, bytes)];
    }
}
