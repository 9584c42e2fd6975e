namespace Operos.Storage.Records;

/// <summary>What stands where a copy of the record has its place.</summary>
public enum RecordState
{
    /// <summary>Zeros, or the disk's erase pattern.</summary>
    Blank,
    Whole,
    /// <summary>It begins as a record does, and its checksum is another's.</summary>
    Torn,
    /// <summary>It is whole, and says what this version does not know: a newer one wrote it.</summary>
    Newer,
    /// <summary>Something else.</summary>
    Foreign,
    Unreadable,
}

/// <summary>One copy of a disk's record.</summary>
public sealed record RecordCopy(RecordState State)
{
    /// <summary>Where it is whole.</summary>
    public DiskRecord? Record { get; init; }

    /// <summary>What stands in a torn one where the cluster's id has its place.</summary>
    public string? TornCluster { get; init; }
}
