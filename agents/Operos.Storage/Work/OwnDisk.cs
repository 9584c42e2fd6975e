using Operos.Storage.Classes;
using Operos.Storage.Layouts;
using Operos.Storage.Looks;
using Operos.Storage.Records;

namespace Operos.Storage.Work;

/// <summary>A partition of a disk of ours.</summary>
/// <param name="Path">Of its device, such as <c>/dev/sda2</c>; where the kernel does not know it, the one that it would have.</param>
/// <param name="Id">Its own GUID.</param>
public sealed record OwnPartition(PartitionUse Use, string Path, Guid Id, long Bytes)
{
    /// <summary>From 1, as the table counts.</summary>
    public int Number { get; init; }

    /// <summary>Where it begins on the disk, in bytes.</summary>
    public long Offset { get; init; }

    /// <summary>Whether the kernel knows it, at that place and of that size.</summary>
    public bool IsKnown { get; init; }
}

/// <summary>A disk of ours and what it is split into.</summary>
public sealed record OwnDisk
{
    /// <summary>Of its device, such as <c>/dev/sda</c>.</summary>
    public required string Path { get; init; }
    public required DiskRecord Record { get; init; }
    /// <summary>In the order of their places.</summary>
    public required IReadOnlyList<OwnPartition> Partitions { get; init; }

    /// <summary>What a look found.</summary>
    /// <exception cref="StorageException">It is not ours, or its own table is not whole.</exception>
    public static OwnDisk Read(DiskVerdict ours)
    {
        var facts = ours.Evidence.Facts;
        if (ours.Class is not (DiskClass.Ours or DiskClass.UnfinishedOurs) || ours.Record is not { } record)
            throw new StorageException($"{facts.Name} is not this cluster's: {string.Join("; ", ours.Reasons)}");
        if (OwnTable.On(ours.Evidence) is not { } table)
            throw new StorageException($"{facts.Name} has no whole partition table of its own yet");
        return new OwnDisk
        {
            Path = facts.Path, Record = record,
            Partitions = [.. from partition in table.Partitions
                orderby partition.Offset
                let use = PartitionTypes.UseOf(partition.Type)
                where use is not null
                select PartitionOf(facts, partition, use.Value)],
        };
    }

    private static OwnPartition PartitionOf(DiskFacts facts, GuidPartition partition, PartitionUse use)
    {
        var known = facts.Partitions.FirstOrDefault(other => other.Offset == partition.Offset && other.Bytes == partition.Bytes);
        return new OwnPartition(use, known is null ? facts.PathOfPartition(partition.Number) : DiskFacts.PathOf(known.Name), partition.Id,
            partition.Bytes) { Number = partition.Number, Offset = partition.Offset, IsKnown = known is not null };
    }
}
