using Nerdbank.MessagePack;

namespace Operos.Proto;

/// <summary>
/// The disks of a machine, named as <see cref="ShowMachine"/> does, or of all, page by page. Answered by <see cref="DiskList"/>.
/// </summary>
public sealed record ListDisks : Message
{
    /// <summary>Empty for all.</summary>
    [Key(0)] public string Machine { get; init; } = "";
    /// <summary>What <see cref="DiskList.Next"/> of the page before says; empty for the first one.</summary>
    [Key(1)] public string After { get; init; } = "";
}

public sealed record DiskList : Message
{
    [Key(0)] public required IReadOnlyList<DiskEntry> Disks { get; init; }
    /// <summary>Machines that have not told their disks, with the reason; in the first page alone.</summary>
    [Key(1)] public IReadOnlyList<string> Silent { get; init; } = [];
    /// <summary>Where the next page goes on; null where this is the last one.</summary>
    [Key(2)] public string? Next { get; init; }

    internal override bool HoldsNull() =>
        Elements.HoldNull(Disks) || Elements.HoldNull(Silent) || Disks?.Any(disk => disk.HoldsNull()) == true;
}

/// <summary>A disk, where it is, and what the controller knows of it.</summary>
public sealed record DiskEntry
{
    /// <summary>UUID.</summary>
    [Key(0)] public required string Machine { get; init; }
    /// <summary>The machine's name, or its UUID.</summary>
    [Key(1)] public required string MachineName { get; init; }
    [Key(2)] public required DiskState Disk { get; init; }
    /// <summary>When the machine told it.</summary>
    [Key(3)] public required long AsOfUnixMs { get; init; }
    /// <summary>Whether the machine is connected: else this is what it told last.</summary>
    [Key(4)] public bool Up { get; init; }
    /// <summary>Who keeps it out, when and why; null where nobody does.</summary>
    [Key(5)] public string? Excluded { get; init; }
    /// <summary>The operator's next step where it is not used; null where there is none.</summary>
    [Key(6)] public string? WayOut { get; init; }
    /// <summary>Why it would not be wiped now; null where it would. <see cref="DiskReply"/> alone has it.</summary>
    [Key(7)] public string? NotWiped { get; init; }

    internal bool HoldsNull() => Disk?.HoldsNull() == true;
}

// The operations below name the disk by its identity, an unambiguous start of it (4 characters or more), or MACHINE/NAME such as w1/sda.

/// <summary>Answered by <see cref="DiskReply"/>.</summary>
public sealed record ShowDisk : Message
{
    [Key(0)] public required string Disk { get; init; }
}

public sealed record DiskReply : Message
{
    [Key(0)] public required DiskEntry Entry { get; init; }

    internal override bool HoldsNull() => Entry?.HoldsNull() == true;
}

/// <summary>Has a disk erased. Answered by <see cref="WipeOrdered"/> when the machine has begun.</summary>
public sealed record OrderWipe : Message
{
    [Key(0)] public required string Disk { get; init; }
    /// <summary>What the operator saw (<see cref="DiskState.Evidence"/>): something else is not erased.</summary>
    [Key(1)] public required string Evidence { get; init; }
}

public sealed record WipeOrdered : Message
{
    /// <summary>The order's id, by which <see cref="DiskState.Wipe"/> tells how it goes.</summary>
    [Key(0)] public required string Order { get; init; }
    /// <summary>UUID.</summary>
    [Key(1)] public required string Machine { get; init; }
    [Key(2)] public required string Text { get; init; }
}

/// <summary>Has a disk's light blink. Answered by <see cref="Done"/>.</summary>
public sealed record OrderLocate : Message
{
    [Key(0)] public required string Disk { get; init; }
    /// <summary>1 to 600.</summary>
    [Key(1)] public required int Seconds { get; init; }
}

/// <summary>Keeps a disk out, wherever it is put, until <see cref="ReclaimDisk"/>. Answered by <see cref="Done"/>.</summary>
public sealed record ExcludeDisk : Message
{
    [Key(0)] public required string Disk { get; init; }
}

/// <summary>Ends <see cref="ExcludeDisk"/>: what is blank or the cluster's own is used again. Answered by <see cref="Done"/>.</summary>
public sealed record ReclaimDisk : Message
{
    [Key(0)] public required string Disk { get; init; }
}
