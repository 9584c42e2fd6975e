using Operos.Storage.Looks;
using Operos.Storage.Records;

namespace Operos.Storage.Layouts;

/// <summary>The partition table that a disk's record names.</summary>
internal static class OwnTable
{
    /// <summary>The primary one where it is whole, else none: a backup alone is not relied on.</summary>
    public static GuidPartitionTable? On(DiskEvidence evidence) => evidence.Records.Current is not { } record ? null
        : evidence.Tables.FirstOrDefault(table => !table.IsBackup && table.Id == record.Table
            && table.Sector == evidence.Facts.LogicalSector);

    /// <summary>What its partitions are for, in the order of their places.</summary>
    public static IReadOnlyList<PlannedPartition> UsesOn(DiskEvidence evidence) =>
        [.. from partition in On(evidence)?.Partitions ?? []
            orderby partition.Offset
            let use = PartitionTypes.UseOf(partition.Type)
            where use is not null
            select new PlannedPartition(use.Value, partition.Bytes)];
}
