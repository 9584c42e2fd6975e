using Nerdbank.MessagePack;

namespace Operos.Proto;

/// <summary>Which cluster of Ceph it is, and where its monitors are.</summary>
public sealed record CephCluster
{
    /// <summary>UUID.</summary>
    [Key(0)] public required string Fsid { get; init; }
    /// <summary>Such as <c>10.0.0.1:3300</c>: msgr2 alone.</summary>
    [Key(1)] public required IReadOnlyList<string> Monitors { get; init; }

    internal bool HoldsNull() => Elements.HoldNull(Monitors);
}

/// <summary>
/// Worker to controller: the id and the key of the OSD on a partition of one of its disks, as often as it asks the same ones. Answered by
/// <see cref="OsdGrant"/>.
/// </summary>
/// <remarks>Fault <c>not-found</c> where the machine has not told that it has the disk, <c>busy</c> where no monitor answers now.</remarks>
public sealed record OsdRequest : Message
{
    /// <summary>UUID: the disk's id in its record (<see cref="DiskState.RecordDisk"/>).</summary>
    [Key(0)] public required string Disk { get; init; }
    /// <summary>UUID: of the partition in the GPT. It is the OSD's, too.</summary>
    [Key(1)] public required string Partition { get; init; }
    /// <summary>Of the partition.</summary>
    [Key(2)] public required long Bytes { get; init; }
    [Key(3)] public required bool Rotational { get; init; }
}

public sealed record OsdGrant : Message
{
    /// <summary>Its number in the cluster.</summary>
    [Key(0)] public required int Id { get; init; }
    /// <summary>As a keyring has it (base64).</summary>
    [Key(1)] public required string Key { get; init; }
}

/// <summary>An OSD, as the machine that it runs on tells it.</summary>
public sealed record OsdState
{
    /// <summary>Of one machine.</summary>
    public const int Most = 256;

    /// <summary>-1 where it has none yet.</summary>
    [Key(0)] public required int Id { get; init; }
    /// <summary>UUID.</summary>
    [Key(1)] public required string Partition { get; init; }
    /// <summary>UUID: the disk's id in its record.</summary>
    [Key(2)] public required string Disk { get; init; }
    [Key(3)] public bool IsRunning { get; init; }
    /// <summary>How it stands, or why it does not run, in words.</summary>
    [Key(4)] public string Text { get; init; } = "";
}

/// <summary>Answered by <see cref="StorageReply"/>.</summary>
public sealed record ShowStorage : Message;

/// <summary>How the cluster's storage stands.</summary>
public sealed record StorageReply : Message
{
    /// <summary><c>off</c>, <c>ok</c>, <c>warning</c>, <c>error</c>, or <c>unknown</c> where no monitor answers.</summary>
    [Key(0)] public required string State { get; init; }
    /// <summary>What that means, in a line.</summary>
    [Key(1)] public required string Text { get; init; }
    /// <summary>What is wrong, the worst first, each with what to do.</summary>
    [Key(2)] public IReadOnlyList<string> Troubles { get; init; } = [];
    /// <summary>UUID; null where there is no cluster.</summary>
    [Key(3)] public string? Fsid { get; init; }
    /// <summary>The monitor, then the manager.</summary>
    [Key(4)] public IReadOnlyList<ComponentStatus> Daemons { get; init; } = [];
    [Key(5)] public int Osds { get; init; }
    [Key(6)] public int OsdsUp { get; init; }
    [Key(7)] public int OsdsIn { get; init; }
    /// <summary>Machines with an OSD that is up.</summary>
    [Key(8)] public int Hosts { get; init; }
    [Key(9)] public int PlacementGroups { get; init; }
    /// <summary>Those that are active and clean.</summary>
    [Key(10)] public int PlacementGroupsClean { get; init; }
    /// <summary>Copies of objects that are missing.</summary>
    [Key(11)] public long Degraded { get; init; }
    /// <summary>Copies of objects that there should be.</summary>
    [Key(12)] public long Copies { get; init; }
    /// <summary>Of all OSDs, before copies.</summary>
    [Key(13)] public long Bytes { get; init; }
    [Key(14)] public long BytesUsed { get; init; }
    [Key(15)] public IReadOnlyList<PoolState> Pools { get; init; } = [];
    /// <summary>When this was known; 0 where it never was.</summary>
    [Key(16)] public long AsOfUnixMs { get; init; }

    internal override bool HoldsNull() => Elements.HoldNull(Troubles) || Elements.HoldNull(Daemons) || Elements.HoldNull(Pools);
}

/// <summary>A pool of Ceph.</summary>
public sealed record PoolState
{
    [Key(0)] public required string Name { get; init; }
    /// <summary>Copies of each object.</summary>
    [Key(1)] public required int Size { get; init; }
    /// <summary>With fewer copies nothing is read or written.</summary>
    [Key(2)] public required int MinSize { get; init; }
    [Key(3)] public required int PlacementGroups { get; init; }
    /// <summary>What is stored in it, without copies.</summary>
    [Key(4)] public long Bytes { get; init; }
    /// <summary>What can still be stored in it, without copies.</summary>
    [Key(5)] public long BytesLeft { get; init; }
}

/// <summary>Answered by <see cref="OsdList"/>.</summary>
public sealed record ListOsds : Message;

public sealed record OsdList : Message
{
    [Key(0)] public required IReadOnlyList<OsdEntry> Osds { get; init; }
    /// <summary>Why the monitor's word is missing or old; null where it is neither.</summary>
    [Key(1)] public string? Trouble { get; init; }

    internal override bool HoldsNull() => Elements.HoldNull(Osds);
}

/// <summary>An OSD: what the monitor says of it, and the machine that has its disk.</summary>
public sealed record OsdEntry
{
    /// <summary>-1 where it has none yet.</summary>
    [Key(0)] public required int Id { get; init; }
    /// <summary>UUID; empty for one that waits for another disk.</summary>
    [Key(1)] public required string Partition { get; init; }
    /// <summary>UUID of the machine that told it last; null where none did.</summary>
    [Key(2)] public string? Machine { get; init; }
    /// <summary>The machine's name, or its UUID.</summary>
    [Key(3)] public string? MachineName { get; init; }
    /// <summary>Its disk as <c>operosctl disks</c> names it (<see cref="DiskState.Identity"/>); null where nobody told.</summary>
    [Key(4)] public string? Disk { get; init; }
    /// <summary>
    /// <c>up</c>, <c>down</c>, <c>starting</c> (told by a machine alone), <c>destroyed</c> (its number and place wait for another disk), or
    /// <c>unknown</c> where no monitor answers.
    /// </summary>
    [Key(5)] public required string State { get; init; }
    /// <summary>Whether data is put on it.</summary>
    [Key(6)] public bool In { get; init; }
    /// <summary>Such as <c>hdd</c>; empty where it is not known.</summary>
    [Key(7)] public string DeviceClass { get; init; } = "";
    [Key(8)] public long Bytes { get; init; }
    [Key(9)] public long BytesUsed { get; init; }
    /// <summary>What its machine says of it.</summary>
    [Key(10)] public string Text { get; init; } = "";
}
