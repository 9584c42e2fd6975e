using Nerdbank.MessagePack;

namespace Operos.Proto;

/// <summary>Answered by <see cref="LeaseList"/>.</summary>
public sealed record ListLeases : Message;

public sealed record LeaseList : Message
{
    [Key(0)] public required IReadOnlyList<Lease> Leases { get; init; }

    internal override bool HoldsNull() => Elements.HoldNull(Leases);
    /// <summary><c>full</c>, <c>proxy</c> or <c>off</c>: only <c>full</c> hands out leases.</summary>
    [Key(1)] public required string Mode { get; init; }
}

/// <summary>A DHCP lease.</summary>
public sealed record Lease
{
    [Key(0)] public required string Mac { get; init; }
    [Key(1)] public required string Address { get; init; }
    [Key(2)] public string? Hostname { get; init; }
    [Key(3)] public required long ExpiresUnixMs { get; init; }
    [Key(4)] public string? ClientId { get; init; }
    /// <summary>The machine that owns the MAC, where one does.</summary>
    [Key(5)] public string? MachineId { get; init; }
}

/// <summary>Answered by <see cref="ReleaseList"/>.</summary>
public sealed record ListReleases : Message;

public sealed record ReleaseList : Message
{
    [Key(0)] public required IReadOnlyList<ReleaseSummary> Releases { get; init; }

    internal override bool HoldsNull() => Elements.HoldNull(Releases);
}

public sealed record ReleaseSummary
{
    [Key(0)] public required string Version { get; init; }
    [Key(1)] public required long CreatedUnixMs { get; init; }
    [Key(2)] public required long SizeBytes { get; init; }
    [Key(3)] public required string KernelRelease { get; init; }
    /// <summary>Workers that power on now boot it.</summary>
    [Key(4)] public bool Current { get; init; }
    /// <summary><c>valid</c>, or what is wrong with it.</summary>
    [Key(5)] public required string Verification { get; init; }
}

/// <summary>Answered by <see cref="StatusReply"/>.</summary>
public sealed record ShowStatus : Message;

public sealed record StatusReply : Message
{
    [Key(0)] public required string Version { get; init; }
    [Key(1)] public required long StartedUnixMs { get; init; }
    [Key(2)] public required string Admission { get; init; }
    [Key(3)] public required IReadOnlyList<ComponentStatus> Components { get; init; }
    [Key(4)] public int MachinesUp { get; init; }
    [Key(5)] public int MachinesKnown { get; init; }
    [Key(6)] public long CaExpiresUnixMs { get; init; }
    [Key(7)] public IReadOnlyList<NodeSummary> Nodes { get; init; } = [];
    /// <summary>Pods that should run and do not; the first of them where they are many.</summary>
    [Key(8)] public IReadOnlyList<PodTrouble> PodsNotRunning { get; init; } = [];
    /// <summary>Certificates that should have been renewed by now, and authorities in their last months.</summary>
    [Key(9)] public IReadOnlyList<ExpiringCertificate> Expiring { get; init; } = [];
    /// <summary>What <see cref="MachineSummary.Alarm"/> tells of each machine that has one, with its name before it.</summary>
    [Key(20)] public IReadOnlyList<string> Alarms { get; init; } = [];
    /// <summary>How far the clock of each machine that is up is off the controller's; the farthest first.</summary>
    [Key(43)] public IReadOnlyList<ClockSkew> Clocks { get; init; } = [];
    /// <summary>Machines that an operator is to admit, or to settle who they are.</summary>
    [Key(44)] public int MachinesWaiting { get; init; }

    internal override bool HoldsNull() => Elements.HoldNull(Components) || Elements.HoldNull(Nodes) || Elements.HoldNull(PodsNotRunning)
        || Elements.HoldNull(Expiring) || Elements.HoldNull(Alarms) || Elements.HoldNull(Clocks);
}

/// <summary>
/// A machine's clock beside the controller's, as its last heartbeat told it: the time that this took on the way is part of it.
/// </summary>
public sealed record ClockSkew
{
    /// <summary>The machine's UUID.</summary>
    [Key(0)] public required string Id { get; init; }
    [Key(1)] public string? Name { get; init; }
    /// <summary>Milliseconds that it is ahead; negative where it is behind.</summary>
    [Key(2)] public required long AheadMs { get; init; }
}

/// <summary>A Node of the API server.</summary>
public sealed record NodeSummary
{
    /// <summary>The machine's UUID.</summary>
    [Key(0)] public required string Id { get; init; }
    [Key(1)] public string? Name { get; init; }
    [Key(2)] public required bool Ready { get; init; }
    /// <summary>The kubelet's word on it.</summary>
    [Key(3)] public string Text { get; init; } = "";
    [Key(4)] public long SinceUnixMs { get; init; }
    [Key(5)] public string? Version { get; init; }
}

/// <summary>A pod that does not run, and why.</summary>
public sealed record PodTrouble
{
    [Key(0)] public required string Namespace { get; init; }
    [Key(1)] public required string Name { get; init; }
    [Key(2)] public string? Node { get; init; }
    [Key(3)] public required string Text { get; init; }
}

public sealed record ExpiringCertificate
{
    [Key(0)] public required string Name { get; init; }
    [Key(1)] public required long ExpiresUnixMs { get; init; }
}

/// <summary>A part of the controller and whether it works.</summary>
public sealed record ComponentStatus
{
    [Key(0)] public required string Name { get; init; }
    [Key(1)] public required bool Healthy { get; init; }
    [Key(2)] public required string Text { get; init; }
    [Key(3)] public long SinceUnixMs { get; init; }
    /// <summary>It does not work yet, which is no failure so far.</summary>
    [Key(4)] public bool Starting { get; init; }
}

/// <summary>What the boot server has seen of each client. Answered by <see cref="BootList"/>.</summary>
public sealed record ListBoots : Message;

public sealed record BootList : Message
{
    [Key(0)] public required IReadOnlyList<BootProgress> Boots { get; init; }

    internal override bool HoldsNull() => Elements.HoldNull(Boots);
}

/// <summary>A client of the boot server.</summary>
public sealed record BootProgress
{
    [Key(0)] public required string Address { get; init; }
    [Key(1)] public string? Mac { get; init; }
    /// <summary>What was asked for last, such as <c>vmlinuz</c> or <c>node.squashfs</c>.</summary>
    [Key(2)] public required string File { get; init; }
    [Key(3)] public long BytesSent { get; init; }
    [Key(4)] public long BytesTotal { get; init; }
    [Key(5)] public required long LastUnixMs { get; init; }
    [Key(6)] public string? Release { get; init; }
}
