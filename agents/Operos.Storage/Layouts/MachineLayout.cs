using Operos.Storage.Classes;
using Operos.Storage.Looks;
using Operos.Storage.Records;

namespace Operos.Storage.Layouts;

/// <summary>Which disks of a machine are to be set up, and how each is split, given what its own disks have already. Pure.</summary>
public static class MachineLayout
{
    /// <summary>
    /// The disks to set up, in the order in which to do it: blank ones, and those whose setting up was cut. One whose table is whole keeps
    /// it. A disk that is too small for anything is left out.
    /// </summary>
    /// <param name="disks">All of the machine but those that are kept out.</param>
    public static IReadOnlyList<(DiskVerdict Disk, DiskLayout Layout)> Plan(IReadOnlyList<DiskVerdict> disks, DiskShares shares)
    {
        var plan = new List<(DiskVerdict Disk, DiskLayout Layout)>();
        var made = new List<PartitionUse>();
        var free = new List<DiskVerdict>();
        foreach (var disk in disks)
        {
            var partitions = OwnTable.UsesOn(disk.Evidence);
            if (disk.Class == DiskClass.Ours) made.AddRange(partitions.Select(partition => partition.Use));
            if (disk.Class == DiskClass.Blank) free.Add(disk);
            if (disk.Class != DiskClass.UnfinishedOurs || disk.Record?.Work == DiskWork.Wiping) continue;
            if (partitions.Count == 0)
            {
                free.Add(disk);
                continue;
            }
            made.AddRange(partitions.Select(partition => partition.Use));
            plan.Add((disk, new() { Partitions = partitions }));
        }
        free.Sort(Better);
        var needsCache = !made.Contains(PartitionUse.Cache);
        var best = made.Contains(PartitionUse.Ephemeral) ? null : free.FirstOrDefault(disk => HasLocal(disk, shares));
        var hasVolumes = made.Contains(PartitionUse.Volumes)
            || free.Any(disk => !ReferenceEquals(disk, best) && HasLocal(disk, shares));
        foreach (var disk in best is null ? free : free.Where(disk => !ReferenceEquals(disk, best)).Prepend(best))
        {
            var roles = new HashSet<PartitionUse> { PartitionUse.Osd };
            if (needsCache) roles.Add(PartitionUse.Cache);
            if (ReferenceEquals(disk, best)) roles.Add(PartitionUse.Ephemeral);
            if (!ReferenceEquals(disk, best) || !hasVolumes) roles.Add(PartitionUse.Volumes);
            var layout = Of(disk, shares, roles);
            if (layout.Partitions.Count == 0) continue;
            needsCache &= layout.Partitions.All(partition => partition.Use != PartitionUse.Cache);
            plan.Add((disk, layout));
        }
        return plan;
    }

    /// <summary>Orders disks, the best for images and logs first: not rotational, NVMe, larger, then by name.</summary>
    public static int Better(DiskVerdict one, DiskVerdict other)
    {
        var (left, right) = (one.Evidence.Facts, other.Evidence.Facts);
        var order = left.IsRotational.CompareTo(right.IsRotational);
        if (order == 0) order = (right.Transport == Transport.Nvme).CompareTo(left.Transport == Transport.Nvme);
        if (order == 0) order = other.Evidence.Bytes.CompareTo(one.Evidence.Bytes);
        return order != 0 ? order : string.CompareOrdinal(left.Name, right.Name);
    }

    private static bool HasLocal(DiskVerdict disk, DiskShares shares) =>
        Of(disk, shares, new HashSet<PartitionUse> { PartitionUse.Ephemeral, PartitionUse.Osd }).Partitions
            .Any(partition => partition.Use == PartitionUse.Ephemeral);

    private static DiskLayout Of(DiskVerdict disk, DiskShares shares, IReadOnlySet<PartitionUse> roles) =>
        DiskLayout.For(disk.Evidence.Facts, disk.Evidence.Bytes, shares, roles);
}
