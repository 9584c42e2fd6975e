using Nerdbank.MessagePack;

namespace Operos.Proto;

/// <summary>
/// Operator to controller: whether a disk may be pulled, or a machine or a whole rack switched off. Answered by <see cref="PullAnswer"/>.
/// </summary>
/// <remarks>Fault <c>not-found</c> where there is none such, <c>conflict</c> where there are several.</remarks>
public sealed record AskPull : Message
{
    /// <summary>A machine as operators call it, a rack (the label <c>rack</c>), or a disk as <see cref="ShowDisk"/> has it.</summary>
    [Key(0)] public required string What { get; init; }
}

/// <summary>Whether something may go.</summary>
public sealed record PullAnswer : Message
{
    [Key(0)] public required bool Safe { get; init; }
    /// <summary>What it is, such as <c>disk w1/sda</c>.</summary>
    [Key(1)] public required string What { get; init; }
    /// <summary>What would be lost or stand still, each with what to do; none where it may go.</summary>
    [Key(2)] public IReadOnlyList<string> Reasons { get; init; } = [];
    /// <summary>Numbers of the OSDs that go with it.</summary>
    [Key(3)] public IReadOnlyList<int> Osds { get; init; } = [];
    /// <summary>About so long until the copies are made that are missing; 0 where none are, or nobody knows.</summary>
    [Key(4)] public long WaitSeconds { get; init; }
    /// <summary>What that is in words; empty where no copies are missing.</summary>
    [Key(5)] public string Wait { get; init; } = "";

    internal override bool HoldsNull() => Elements.HoldNull(Reasons);
}
