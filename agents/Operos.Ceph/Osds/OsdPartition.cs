namespace Operos.Ceph.Osds;

/// <summary>What a look at a partition for an OSD found.</summary>
/// <param name="Id">The partition's GUID, which is its OSD's UUID.</param>
/// <param name="Bytes">Its size.</param>
public sealed record OsdPartition(Guid Id, long Bytes)
{
    /// <summary>What stands on it; null where no label does.</summary>
    public OsdLabel? Label { get; init; }

    /// <summary>What is wrong with the label that stands on it; null where nothing is.</summary>
    public string? Damage { get; init; }

    /// <summary>Why it is not provably blank; null where every place was read, and is erased.</summary>
    public string? Contents { get; init; }
}
