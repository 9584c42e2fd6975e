using Operos.Storage.Looks;
using Operos.Storage.Records;
using Operos.Storage.Signatures;

namespace Operos.Storage.Classes;

/// <summary>What a disk's record claims, and whether all else on it agrees.</summary>
internal static class RecordClaim
{
    private const int ShownDigits = 12;

    /// <summary>Partitions begin at 1 MiB, and the last 2 MiB are left free.</summary>
    private const long FirstPartition = 1 << 20, LastFree = 2 << 20;

    /// <summary>Null where there is no record.</summary>
    public static DiskVerdict? Judge(DiskEvidence disk, DiskPolicy policy)
    {
        var records = disk.Records;
        if (!records.Any) return null;
        if (records.Contradiction is { } contradiction) return Doubt(disk, contradiction);
        if (records.Current is not { } record) return Torn(disk, policy);
        if (record.Cluster != policy.Cluster)
            return new(DiskClass.Foreign, [$"it belongs to another Operos cluster, {record.Cluster[..ShownDigits]}, and its machine "
                + $"{record.Machine}", .. DiskClassifier.ContentsOf(disk)], disk);
        if (disk.Bytes < record.Bytes)
            return Doubt(disk, $"it had {record.Bytes} bytes when it was set up, and has {disk.Bytes}: a copy, or a part of it is gone");
        var verdict = record.Work == DiskWork.Wiping ? Wiped(disk, record) : Claimed(disk, record);
        var notes = records.Notes.ToList();
        if (disk.Bytes > record.Bytes) notes.Add($"it grew from {OffsetText.Of(record.Bytes)} to {OffsetText.Of(disk.Bytes)}");
        if (disk.GivenUp is not null) notes.Add(disk.GivenUp);
        notes.AddRange(disk.Failures.Select(failure => $"it cannot be read at {failure}"));
        var moved = record.Machine != policy.Machine;
        if (moved) notes.Add($"machine {record.Machine} put it to work");
        return verdict with { Reasons = [.. verdict.Reasons, .. notes], IsAnotherMachines = moved };
    }

    /// <summary>
    /// A wipe that was cut leaves what stood in our partitions, whose table may be gone by now. What stands where we put nothing came
    /// later, and is somebody else's.
    /// </summary>
    private static DiskVerdict Wiped(DiskEvidence disk, DiskRecord record)
    {
        const string again = "if nobody put anything there since its wipe was cut, order it again";
        if (StrangeTable(disk, record) is { } doubt) return doubt with { Reasons = [.. doubt.Reasons, again] };
        var strange = disk.Signatures.Where(signature => !IsOurTable(signature, disk, record)
            && (signature.Offset < FirstPartition || signature.At >= record.Bytes - LastFree)).ToList();
        return strange.Count > 0
            ? Doubt(disk, $"wiping it was ordered and cut, and where Operos puts nothing it holds {string.Join(", ", strange.Take(3))}; "
                + again)
            : new(DiskClass.UnfinishedOurs, ["wiping it was ordered and cut"], disk);
    }

    private static DiskVerdict? StrangeTable(DiskEvidence disk, DiskRecord record) =>
        disk.Tables.FirstOrDefault(table => table.Id != record.Table) is { } stranger
            ? Doubt(disk, $"it was partitioned anew by somebody: its GPT is {stranger.Id}, and {record.Table} was made for it")
            : null;

    /// <summary>A disk of this cluster: what stands on it must be what was put there.</summary>
    private static DiskVerdict Claimed(DiskEvidence disk, DiskRecord record)
    {
        if (StrangeTable(disk, record) is { } doubt) return doubt;
        if (disk.Tables.FirstOrDefault(table => table.Sector != disk.Facts.LogicalSector) is { } other)
            return Doubt(disk, $"its GPT was written for sectors of {other.Sector} bytes, and here it has {disk.Facts.LogicalSector}");
        // What stands in our partitions is theirs, and may look like anything: pods write there.
        var strange = disk.Signatures.Where(signature => !IsOurTable(signature, disk, record) && !IsInPartition(signature, disk.Tables))
            .ToList();
        if (strange.Count > 0) return Doubt(disk, $"besides its record it holds {string.Join(", ", strange.Take(3))}");
        if (Unexpected(disk) is { } unexpected) return Doubt(disk, unexpected);
        var step = record.Work switch
        {
            DiskWork.Claimed => "it is to be partitioned",
            DiskWork.Partitioned => "what is in its partitions is to be made",
            DiskWork.Formatted => "it is to be put to use",
            _ => null,
        };
        if (step is not null)
        {
            var isGone = record.Work != DiskWork.Claimed && disk.Tables.All(table => table.IsBackup);
            return new(DiskClass.UnfinishedOurs, [isGone ? "work on it was cut: its partition table is gone, and nothing else is there"
                : $"work on it was cut: {step}"], disk);
        }
        if (disk.Tables.All(table => table.IsBackup))
            return Doubt(disk, disk.Tables.Count == 0 ? "its partition table is gone" : "of its GPT only the backup is whole");
        return new(DiskClass.Ours, [$"this cluster's, disk {record.Disk}",
            .. disk.Tables.Any(table => table.IsBackup) ? Array.Empty<string>() : ["the backup of its GPT is not whole"]], disk);
    }

    /// <summary>Only the very first write of a record can leave it torn: then it says our cluster, and nothing else is there.</summary>
    private static DiskVerdict Torn(DiskEvidence disk, DiskPolicy policy)
    {
        RecordCopy[] copies = [disk.Records.First, disk.Records.Second];
        var isFirst = copies.All(copy => copy.State == RecordState.Blank || copy.TornCluster == policy.Cluster)
            && disk is { Signatures.Count: 0, GivenUp: null, Failures.Count: 0, Content: { IsComplete: true, Written.Count: 0 } };
        return isFirst
            ? new(DiskClass.UnfinishedOurs, ["its first record was cut while it was written, and nothing else is there"], disk)
            : Doubt(disk, "it has a record of Operos that is torn");
    }

    /// <summary>What a disk holds whose partitions are not made yet.</summary>
    private static string? Unexpected(DiskEvidence disk) => disk.Content switch
    {
        null => null,
        { Written: { Count: > 0 } written } =>
            $"besides its record it holds data, at {string.Join(", ", written.Select(OffsetText.Of))}",
        { IsComplete: false } => "work on it was cut, and not every place where something would stand could be read",
        _ => null,
    };

    /// <summary>
    /// Whether it is of the table that the record names: its header where it is whole, the place of the other one's where that is damaged,
    /// or a part that was cut while it was written.
    /// </summary>
    private static bool IsOurTable(Signature signature, DiskEvidence disk, DiskRecord record)
    {
        if (signature.Name is not (PartitionTables.Gpt or PartitionTables.ProtectiveMbr)) return false;
        if (disk.Remains.Any(remains => remains.Overlaps(signature.At, 1))) return true;
        return disk.Tables.Any(table => table.Id == record.Table && (signature.Name == PartitionTables.ProtectiveMbr
            || signature.Offset == table.Header || signature.Offset == table.Alternate));
    }

    private static bool IsInPartition(Signature signature, IReadOnlyList<GuidPartitionTable> tables) =>
        tables.Any(table => table.Partitions.Any(partition => signature.Offset >= partition.Offset
            && signature.At < partition.Offset + partition.Bytes));

    private static DiskVerdict Doubt(DiskEvidence disk, string reason) =>
        new(DiskClass.Doubtful, [reason, .. DiskClassifier.ContentsOf(disk)], disk);
}
