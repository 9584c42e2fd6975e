using Nerdbank.MessagePack;

namespace Operos.Proto;

/// <summary>
/// Controller to worker, when the monitor's store is lost: which maps of the cluster the OSDs on its disks have. Answered by
/// <see cref="OsdMaps"/>.
/// </summary>
/// <remarks>Fault <c>busy</c> while it looks at them, and before it has looked at its disks.</remarks>
public sealed record ShowOsdMaps : Message;

public sealed record OsdMaps : Message
{
    /// <summary>At most <see cref="OsdState.Most"/>.</summary>
    [Key(0)] public required IReadOnlyList<OsdMapSpan> Osds { get; init; }

    internal override bool HoldsNull() => Elements.HoldNull(Osds);
}

/// <summary>The maps that an OSD has.</summary>
public sealed record OsdMapSpan
{
    /// <summary>UUID: of its partition, and its own.</summary>
    [Key(0)] public required string Partition { get; init; }
    /// <summary>The number (epoch) of the newest; 0 where it is not known.</summary>
    [Key(1)] public long Newest { get; init; }
    /// <summary>Why it is not known.</summary>
    [Key(2)] public string? Text { get; init; }
}

/// <summary>
/// Controller to worker: a part of an archive (tar) of a monitor's store with the maps that an OSD has. Answered by
/// <see cref="OsdMapsPart"/>.
/// </summary>
/// <remarks>
/// Fault <c>busy</c> while the archive is made, for which the OSD rests some seconds; <c>not-found</c> where there is no such archive (any
/// more): then it is asked for from the start.
/// </remarks>
public sealed record ReadOsdMaps : Message
{
    /// <summary>UUID: of the OSD's partition.</summary>
    [Key(0)] public required string Partition { get; init; }
    /// <summary>Null at the start: then one is made where there is none.</summary>
    [Key(1)] public string? Archive { get; init; }
    /// <summary>In bytes.</summary>
    [Key(2)] public long Offset { get; init; }
}

public sealed record OsdMapsPart : Message
{
    /// <summary>UUID: which archive it is of.</summary>
    [Key(0)] public required string Archive { get; init; }
    /// <summary>Of the whole archive.</summary>
    [Key(1)] public required long Bytes { get; init; }
    /// <summary>Empty at the end.</summary>
    [Key(2)] public required byte[] Data { get; init; }
}

/// <summary>
/// Controller to worker: an OSD is ended, and started again. One that ran while its monitor got another store holds on to keys that nobody
/// else has, for an hour. Answered by <see cref="Done"/> at once.
/// </summary>
public sealed record RestartOsd : Message
{
    /// <summary>UUID: of its partition.</summary>
    [Key(0)] public required string Partition { get; init; }
}

/// <summary>
/// Operator to controller: the monitor's lost store is made anew although some OSDs do not say which maps they have. Answered by
/// <see cref="Done"/>.
/// </summary>
/// <remarks>Fault <c>conflict</c> where no store is lost.</remarks>
public sealed record RebuildMonitor : Message
{
    /// <summary>At most.</summary>
    public const int MostOsds = 1024;

    /// <summary>The numbers of the OSDs that are not waited for.</summary>
    [Key(0)] public required IReadOnlyList<int> Without { get; init; }
}
