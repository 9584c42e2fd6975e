using Operos.Storage.Layouts;
using Operos.Storage.Work;

namespace Operos.Worker.Disks;

/// <summary>A partition for an OSD on a disk that this machine uses.</summary>
internal sealed record OsdTarget(OwnDisk Disk, OwnPartition Partition, bool IsRotational)
{
    /// <summary>The disk's id in its record.</summary>
    public Guid DiskId => Disk.Record.Disk;

    /// <summary>Its GUID in the table, which is the OSD's UUID.</summary>
    public Guid Id => Partition.Id;

    /// <summary>Whether it is the same, at the same place, as far as an OSD on it would notice.</summary>
    public bool IsSame(OsdTarget other) => Id == other.Id && DiskId == other.DiskId && Partition.Path == other.Partition.Path;

    public static IEnumerable<OsdTarget> On(OwnDisk disk, bool isRotational) => disk.Partitions
        .Where(partition => partition.Use == PartitionUse.Osd)
        .Select(partition => new OsdTarget(disk, partition, isRotational));
}
