using Nerdbank.MessagePack;

namespace Operos.Proto;

/// <summary>What happened to machines, also to those that were removed. Answered by <see cref="EventList"/>.</summary>
public sealed record ListEvents : Message
{
    /// <summary>As <see cref="ShowMachine"/> names it, or a removed one's UUID, start of it or name; empty for all.</summary>
    [Key(0)] public string? Machine { get; init; }
    /// <summary>None that is older; 0 for all that are kept.</summary>
    [Key(1)] public long SinceUnixMs { get; init; }
}

/// <summary>The newest that there are, oldest first.</summary>
public sealed record EventList : Message
{
    [Key(0)] public required IReadOnlyList<RackEvent> Events { get; init; }
    /// <summary>Whether there are older ones that did not fit.</summary>
    [Key(1)] public bool More { get; init; }

    internal override bool HoldsNull() => Elements.HoldNull(Events);
}

/// <summary>Something that happened to a machine.</summary>
public sealed record RackEvent
{
    [Key(0)] public required long UnixMs { get; init; }
    /// <summary>UUID.</summary>
    [Key(1)] public required string Machine { get; init; }
    /// <summary>The name that it had then.</summary>
    [Key(2)] public string? Name { get; init; }
    [Key(3)] public required string Text { get; init; }
}
