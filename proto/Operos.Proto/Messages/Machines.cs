using Nerdbank.MessagePack;

namespace Operos.Proto;

/// <summary>Those that fit all that is given; all where nothing is. Answered by <see cref="MachineList"/>.</summary>
public sealed record ListMachines : Message
{
    /// <summary>Any of these: <see cref="MachineSummary.State"/>.</summary>
    [Key(0)] public IReadOnlyList<string> States { get; init; } = [];
    /// <summary>All of these: <c>key</c>, <c>key=value</c>, <c>key!=value</c> or <c>!key</c>.</summary>
    [Key(1)] public IReadOnlyList<string> Labels { get; init; } = [];
    /// <summary><see cref="MachineSummary.Kind"/>; empty for both.</summary>
    [Key(2)] public string? Kind { get; init; }
    /// <summary><see cref="MachineSummary.Release"/>; empty for any.</summary>
    [Key(3)] public string? Release { get; init; }

    internal override bool HoldsNull() => Elements.HoldNull(States) || Elements.HoldNull(Labels);
}

public sealed record MachineList : Message
{
    /// <summary>The states that there are.</summary>
    public static IReadOnlyList<string> States { get; } = ["up", "down", "rebooting", "pending", "ambiguous", "rejected"];

    [Key(0)] public required IReadOnlyList<MachineSummary> Machines { get; init; }
    /// <summary>Whether there are machines that do not fit.</summary>
    [Key(1)] public bool HasOthers { get; init; }

    internal override bool HoldsNull() => Elements.HoldNull(Machines);
}

/// <summary>A machine in one line.</summary>
public sealed record MachineSummary
{
    /// <summary>UUID, lower case.</summary>
    [Key(0)] public required string Id { get; init; }
    [Key(1)] public string? Name { get; init; }
    /// <summary><c>worker</c> or <c>controller</c>.</summary>
    [Key(2)] public required string Kind { get; init; }
    /// <summary><c>up</c>, <c>down</c>, <c>rebooting</c>, <c>pending</c>, <c>ambiguous</c> or <c>rejected</c>.</summary>
    [Key(3)] public required string State { get; init; }
    [Key(4)] public string? Release { get; init; }
    [Key(5)] public string? Address { get; init; }
    /// <summary>Vendor and product.</summary>
    [Key(6)] public string? Model { get; init; }
    [Key(7)] public int Cpus { get; init; }
    [Key(8)] public long MemoryBytes { get; init; }
    [Key(9)] public int Disks { get; init; }
    [Key(10)] public long LastSeenUnixMs { get; init; }
    [Key(11)] public long BootedUnixMs { get; init; }
    /// <summary>Why it is not up, with the operator's next step; null where there is nothing to say.</summary>
    [Key(12)] public string? Note { get; init; }
    /// <summary>
    /// Who else claims to be this machine, or how it came back, with the command that settles it; null where there is nothing to settle.
    /// </summary>
    [Key(20)] public string? Alarm { get; init; }
    /// <summary>
    /// Where all that is to settle is a return by a boot that nobody ordered: what <see cref="ResolveMachine"/> resolves as this machine to
    /// say that it was well, which is a claim or the machine itself; null otherwise.
    /// </summary>
    [Key(24)] public string? Returned { get; init; }
}

/// <summary>
/// The machine may be given by UUID, by a unique start of it (4 characters or more), by name, by its address, or by a hardware address of
/// it in any notation. Answered by <see cref="MachineDetail"/>.
/// </summary>
public sealed record ShowMachine : Message
{
    [Key(0)] public required string Machine { get; init; }
}

public sealed record MachineDetail : Message
{
    [Key(0)] public required MachineSummary Summary { get; init; }
    [Key(1)] public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();
    /// <summary>Last inventory, UTF-8 JSON.</summary>
    [Key(2)] public byte[] Inventory { get; init; } = [];
    /// <summary>Last boot record, UTF-8 JSON; empty where none is known.</summary>
    [Key(3)] public byte[] BootRecord { get; init; } = [];
    [Key(4)] public long FirstSeenUnixMs { get; init; }
    [Key(5)] public long CertificateExpiresUnixMs { get; init; }
    [Key(6)] public string? SystemState { get; init; }
    [Key(7)] public IReadOnlyList<MachineEvent> Events { get; init; } = [];

    internal override bool HoldsNull() => Elements.HoldNull(Labels) || Elements.HoldNull(Events);
}

/// <summary>Something that happened to a machine: admitted, renamed, a part changed, rebooted.</summary>
public sealed record MachineEvent
{
    [Key(0)] public required long UnixMs { get; init; }
    [Key(1)] public required string Text { get; init; }
}

// The operations below name the machine as ShowMachine does and are answered by Done.

public sealed record ApproveMachine : Message
{
    [Key(0)] public required string Machine { get; init; }
}

public sealed record RejectMachine : Message
{
    [Key(0)] public required string Machine { get; init; }
}

public sealed record RenameMachine : Message
{
    [Key(0)] public required string Machine { get; init; }
    /// <summary>An RFC 1123 label; empty takes the name away.</summary>
    [Key(1)] public required string Name { get; init; }
}

public sealed record LabelMachine : Message
{
    [Key(0)] public required string Machine { get; init; }
    [Key(1)] public IReadOnlyDictionary<string, string> Set { get; init; } = new Dictionary<string, string>();
    [Key(2)] public IReadOnlyList<string> Remove { get; init; } = [];

    internal override bool HoldsNull() => Elements.HoldNull(Set) || Elements.HoldNull(Remove);
}

public sealed record RemoveMachine : Message
{
    [Key(0)] public required string Machine { get; init; }
    /// <summary>How long its pods may take to leave; 0 for the controller's default.</summary>
    [Key(1)] public int DrainSeconds { get; init; }
    /// <summary>Removes it though pods would not leave or the API server is not reached.</summary>
    [Key(2)] public bool Force { get; init; }
    /// <summary>Answers with the <see cref="JobReply"/> as soon as it has begun; else with Done when it is done.</summary>
    [Key(3)] public bool Detach { get; init; }
}

/// <summary>
/// Settles an ambiguous enrolment, or a claim to be a known machine: it is the known machine <see cref="As"/>, or a new one. A known
/// machine that is named as itself is well: what was claimed and what alarmed is dismissed.
/// </summary>
public sealed record ResolveMachine : Message
{
    /// <summary>A machine, or a claim's id as an alarm names it.</summary>
    [Key(0)] public required string Machine { get; init; }
    /// <summary>A known machine, or <c>new</c>.</summary>
    [Key(1)] public required string As { get; init; }
}

/// <summary>
/// Answered by Done when the machine was told; with <see cref="Drain"/> or <see cref="Wait"/> by the <see cref="JobReply"/> of its job.
/// </summary>
public sealed record RebootMachine : Message
{
    [Key(0)] public required string Machine { get; init; }
    /// <summary>Takes its pods away first, and lets them come again when it is back.</summary>
    [Key(1)] public bool Drain { get; init; }
    /// <summary>How long its pods may take to leave; 0 for the controller's default.</summary>
    [Key(2)] public int DrainSeconds { get; init; }
    /// <summary>Reboots it though pods would not leave or the API server is not reached, and though it was told to already.</summary>
    [Key(3)] public bool Force { get; init; }
    /// <summary>Also without <see cref="Drain"/> a job, which ends when the machine is back.</summary>
    [Key(4)] public bool Wait { get; init; }
}
