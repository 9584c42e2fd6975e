using Nerdbank.MessagePack;

namespace Operos.Proto;

/// <summary>What operators asked for, done or refused. Answered by <see cref="AuditList"/>.</summary>
public sealed record ListAudit : Message
{
    /// <summary>None that is older; 0 for all that are kept.</summary>
    [Key(0)] public long SinceUnixMs { get; init; }
    /// <summary>The operator who asked; empty for all.</summary>
    [Key(1)] public string? User { get; init; }
}

/// <summary>The newest that there are, oldest first.</summary>
public sealed record AuditList : Message
{
    [Key(0)] public required IReadOnlyList<AuditRecord> Records { get; init; }
    /// <summary>Lines of the log that cannot be read, as after a power cut.</summary>
    [Key(1)] public int DamagedLines { get; init; }
    /// <summary>Whether there are older ones that did not fit.</summary>
    [Key(2)] public bool More { get; init; }
    /// <summary>Lines of the log that a newer version of the controller wrote, and this one does not read.</summary>
    [Key(3)] public int NewerLines { get; init; }

    internal override bool HoldsNull() => Elements.HoldNull(Records) || Records.Any(record => Elements.HoldNull(record.Arguments));
}

/// <summary>An operation that changes something.</summary>
public sealed record AuditRecord
{
    [Key(0)] public required string Id { get; init; }
    [Key(1)] public required long UnixMs { get; init; }
    [Key(2)] public required string User { get; init; }
    /// <summary><c>viewer</c>, <c>operator</c> or <c>admin</c>: what the operator was then.</summary>
    [Key(3)] public required string Role { get; init; }
    /// <summary>The address that it was asked from.</summary>
    [Key(4)] public required string From { get; init; }
    /// <summary>As operosctl calls it, such as <c>machines approve</c>.</summary>
    [Key(5)] public required string Operation { get; init; }
    [Key(6)] public IReadOnlyDictionary<string, string> Arguments { get; init; } = new Dictionary<string, string>();
    /// <summary><c>done</c>, <c>refused</c> or <c>failed</c>; null while that is not known.</summary>
    [Key(7)] public string? Outcome { get; init; }
    /// <summary>What was done, or why not.</summary>
    [Key(8)] public string? Text { get; init; }
}
