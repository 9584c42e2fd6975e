using System.Security.Cryptography;
using Nerdbank.MessagePack;
using Operos.Proto.Connection;

namespace Operos.Proto;

/// <summary>What the controller wants of a worker's disks. Without it a worker leaves its disks alone.</summary>
public sealed record StorageConfiguration
{
    /// <summary>How much of a disk is the machine's own, in percent; the rest is Ceph's. 0 for all Ceph, 100 for all local.</summary>
    [Key(0)] public int LocalPercent { get; init; } = 50;
    /// <summary>For disks of a kind; the first that fits a disk counts.</summary>
    [Key(1)] public IReadOnlyList<StorageRule> Rules { get; init; } = [];
    /// <summary>Whether the local part is encrypted; null for: where the CPU has AES.</summary>
    [Key(2)] public bool? Encrypt { get; init; }
    /// <summary>Identities of disks (<see cref="DiskState.Identity"/>) that are kept out.</summary>
    [Key(3)] public IReadOnlyList<string> Excluded { get; init; } = [];
    /// <summary>The cluster of Ceph that the OSDs on its disks are of; null where there is none.</summary>
    [Key(4)] public CephCluster? Ceph { get; init; }

    internal bool HoldsNull() => Elements.HoldNull(Rules) || Elements.HoldNull(Excluded) || Ceph?.HoldsNull() == true;
}

/// <summary>The share of disks of a kind. It fits a disk that all of it fits that is given.</summary>
public sealed record StorageRule
{
    [Key(0)] public bool? Rotational { get; init; }
    /// <summary>The smallest size that it fits, in bytes; 0 for any.</summary>
    [Key(1)] public long AtLeast { get; init; }
    /// <summary>The largest size that it fits, in bytes; 0 for any.</summary>
    [Key(2)] public long AtMost { get; init; }
    /// <summary>The model as the kernel tells it; <c>*</c> stands for anything. Null for any.</summary>
    [Key(3)] public string? Model { get; init; }
    /// <summary>As <see cref="StorageConfiguration.LocalPercent"/>.</summary>
    [Key(4)] public required int LocalPercent { get; init; }
}

/// <summary>
/// Worker to controller: all of its disks, after connecting and whenever something changed; <see cref="Most"/> at most. Answered by
/// <see cref="Done"/>.
/// </summary>
public sealed record ReportDisks : Message
{
    public const int Most = 256;

    [Key(0)] public required IReadOnlyList<DiskState> Disks { get; init; }

    /// <summary>SHA-256 of all of it: whether another says something else.</summary>
    public byte[] Digest() => SHA256.HashData(Frame.Write(0, reply: false, this));

    internal override bool HoldsNull() => Elements.HoldNull(Disks) || Disks?.Any(disk => disk.HoldsNull()) == true;
}

/// <summary>A disk as the machine that it is in sees it.</summary>
public sealed record DiskState
{
    /// <summary>Its name in <c>/sys/block</c>, such as <c>sda</c>; it may have another after a reboot.</summary>
    [Key(0)] public required string Name { get; init; }
    /// <summary>
    /// Which disk it is, wherever it is: such as <c>wwn:...</c>, <c>serial:MODEL/SERIAL</c>, <c>disk:UUID</c>; <c>at:...</c> where nothing
    /// tells it from another in its place.
    /// </summary>
    [Key(1)] public required string Identity { get; init; }
    /// <summary>
    /// <c>blank</c>, <c>ours</c>, <c>unfinished-ours</c>, <c>foreign</c>, <c>unsuitable</c>, <c>in-use</c>, <c>doubtful</c>.
    /// </summary>
    [Key(2)] public required string Class { get; init; }
    /// <summary>Why, in words.</summary>
    [Key(3)] public IReadOnlyList<string> Reasons { get; init; } = [];
    [Key(4)] public long Bytes { get; init; }
    /// <summary>In bytes.</summary>
    [Key(5)] public int LogicalSector { get; init; }
    [Key(6)] public bool Rotational { get; init; }
    /// <summary>Such as <c>sata</c>.</summary>
    [Key(7)] public string Transport { get; init; } = "";
    [Key(8)] public string? Model { get; init; }
    [Key(9)] public string? Serial { get; init; }
    [Key(10)] public string? Wwn { get; init; }
    [Key(11)] public IReadOnlyList<DiskSignature> Signatures { get; init; } = [];
    /// <summary>The id that its record gives it; null where it has none.</summary>
    [Key(12)] public string? RecordDisk { get; init; }
    /// <summary>The machine that put it to work, as its record says.</summary>
    [Key(13)] public string? RecordMachine { get; init; }
    /// <summary>What was seen of it, as SHA-256, hex: an order to wipe it names this. Empty where it could not be read.</summary>
    [Key(14)] public string Evidence { get; init; } = "";
    /// <summary>What its partitions are used for.</summary>
    [Key(15)] public IReadOnlyList<DiskUse> Uses { get; init; } = [];
    /// <summary>What is being done to it now, in words; null where nothing is.</summary>
    [Key(16)] public string? Work { get; init; }
    /// <summary>What failed last, and the next step; null where nothing did.</summary>
    [Key(17)] public string? Failure { get; init; }
    /// <summary>The last wipe that was ordered since the machine's agent began.</summary>
    [Key(18)] public DiskWipe? Wipe { get; init; }
    /// <summary>
    /// Of a disk that its record alone tells from others (<c>disk:UUID</c>): its identity without that, <c>at:...</c>, which is its own
    /// when it is wiped. Null for any other.
    /// </summary>
    [Key(19)] public string? Place { get; init; }
    /// <summary>Whether wiping it was ordered and cut: its record says so.</summary>
    [Key(20)] public bool WipeCut { get; init; }

    internal bool HoldsNull() => Elements.HoldNull(Reasons) || Elements.HoldNull(Signatures) || Elements.HoldNull(Uses);
}

/// <summary>Something known that stands on a disk.</summary>
public sealed record DiskSignature
{
    [Key(0)] public required string Name { get; init; }
    /// <summary>In bytes.</summary>
    [Key(1)] public required long Offset { get; init; }
}

/// <summary>A partition of ours, and what it is used for.</summary>
public sealed record DiskUse
{
    /// <summary><c>cache</c>, <c>ephemeral</c>, <c>volumes</c> or <c>osd</c>.</summary>
    [Key(0)] public required string Use { get; init; }
    [Key(1)] public required long Bytes { get; init; }
    /// <summary>How much of it is taken; -1 where nothing is mounted that could tell.</summary>
    [Key(2)] public long UsedBytes { get; init; } = -1;
    [Key(3)] public bool Encrypted { get; init; }
    /// <summary>Where it is mounted; null where it is not.</summary>
    [Key(4)] public string? MountedAt { get; init; }
}

/// <summary>How a wipe went.</summary>
public sealed record DiskWipe
{
    public const string Running = "running", Finished = "done", Failed = "failed";

    /// <summary>The order's id: a UUID.</summary>
    [Key(0)] public required string Order { get; init; }
    /// <summary><c>running</c>, <c>done</c> or <c>failed</c>.</summary>
    [Key(1)] public required string State { get; init; }
    /// <summary>How far it is, what came of it, or why it was not done.</summary>
    [Key(2)] public required string Text { get; init; }
}

/// <summary>
/// Controller to worker: erase a disk. The order is of Operos.Storage's form and names machine, disk, what was seen on it and until when it
/// counts; it counts once. Answered by <see cref="Done"/> when it has begun: how it goes is in <see cref="DiskState.Wipe"/>.
/// </summary>
public sealed record WipeDisk : Message
{
    [Key(0)] public required byte[] Order { get; init; }
    /// <summary>ECDSA P-256 with SHA-256 over the order by the key of the cluster's authority, DER.</summary>
    [Key(1)] public required byte[] Signature { get; init; }
}

/// <summary>Controller to worker: make a disk's light blink. Answered by <see cref="Done"/>, which says how.</summary>
public sealed record LocateDisk : Message
{
    [Key(0)] public required string Disk { get; init; }
    /// <summary>1 to 600.</summary>
    [Key(1)] public required int Seconds { get; init; }
}

/// <summary>
/// Worker to controller: the keys of disks that it reported, by the id in their record. Answered by <see cref="DiskKeys"/>.
/// </summary>
public sealed record IssueDiskKeys : Message
{
    [Key(0)] public required IReadOnlyList<string> Disks { get; init; }

    internal override bool HoldsNull() => Elements.HoldNull(Disks);
}

public sealed record DiskKeys : Message
{
    /// <summary>32 bytes each, by the id that was asked for.</summary>
    [Key(0)] public required IReadOnlyDictionary<string, byte[]> Keys { get; init; }

    internal override bool HoldsNull() => Elements.HoldNull(Keys);
}
