using Nerdbank.MessagePack;

namespace Operos.Proto;

/// <summary>Takes a machine's pods away and keeps new ones from coming. Answered by <see cref="JobReply"/>.</summary>
public sealed record DrainMachine : Message
{
    [Key(0)] public required string Machine { get; init; }
    /// <summary>How long its pods may take to leave; 0 for the controller's default.</summary>
    [Key(1)] public int DrainSeconds { get; init; }
}

/// <summary>Lets pods come to a machine again. Answered by <see cref="Done"/>.</summary>
public sealed record UncordonMachine : Message
{
    [Key(0)] public required string Machine { get; init; }
}

/// <summary>Keeps new pods from coming to a machine; those on it stay. Answered by <see cref="Done"/>.</summary>
public sealed record CordonMachine : Message
{
    [Key(0)] public required string Machine { get; init; }
}

/// <summary>Answered by <see cref="JobList"/>.</summary>
public sealed record ListJobs : Message;

/// <summary>The newest first.</summary>
public sealed record JobList : Message
{
    [Key(0)] public required IReadOnlyList<JobSummary> Jobs { get; init; }

    internal override bool HoldsNull() => Elements.HoldNull(Jobs);
}

/// <summary>Answered by <see cref="JobReply"/>.</summary>
public sealed record ShowJob : Message
{
    [Key(0)] public required string Id { get; init; }
}

/// <summary>Ends a job before its time, and waits until it has ended. Answered by <see cref="Done"/>.</summary>
public sealed record CancelJob : Message
{
    [Key(0)] public required string Id { get; init; }
}

/// <summary>A job as it is now.</summary>
public sealed record JobReply : Message
{
    [Key(0)] public required JobSummary Job { get; init; }
    /// <summary>It ran already when it was asked for.</summary>
    [Key(1)] public bool Joined { get; init; }
}

/// <summary>A long operation.</summary>
public sealed record JobSummary
{
    [Key(0)] public required string Id { get; init; }
    /// <summary><c>drain</c>, <c>reboot</c> or <c>remove</c>.</summary>
    [Key(1)] public required string Kind { get; init; }
    /// <summary>UUID.</summary>
    [Key(2)] public required string Machine { get; init; }
    /// <summary>Its name when it was asked for, or its UUID.</summary>
    [Key(3)] public required string Name { get; init; }
    /// <summary>The operator who asked.</summary>
    [Key(4)] public required string By { get; init; }
    /// <summary><c>running</c>, <c>done</c>, <c>failed</c>, <c>cancelled</c> or <c>interrupted</c>.</summary>
    [Key(5)] public required string State { get; init; }
    /// <summary>What it waits for, or its outcome.</summary>
    [Key(6)] public required string Text { get; init; }
    /// <summary>The operator's next step where it was not done.</summary>
    [Key(7)] public string? Hint { get; init; }
    [Key(8)] public long AskedUnixMs { get; init; }
    /// <summary>0 while it runs.</summary>
    [Key(9)] public long EndedUnixMs { get; init; }
}
