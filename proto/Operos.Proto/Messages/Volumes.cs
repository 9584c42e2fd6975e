using Nerdbank.MessagePack;

namespace Operos.Proto;

/// <summary>
/// Controller to worker: makes a folder on one of its disks for a volume of Kubernetes. Answered by <see cref="VolumeMade"/>.
/// </summary>
/// <remarks>
/// Fault <c>conflict</c> where no disk of this machine has the room, <c>busy</c> where it cannot be made in its place now. A worker of a
/// version without the last two keys makes it at once, and answers the same when it is asked again.
/// </remarks>
public sealed record MakeVolume : Message
{
    /// <summary><c>pvc-</c> and a UUID.</summary>
    [Key(0)] public required string Volume { get; init; }
    /// <summary>As many as its claim asks for.</summary>
    [Key(1)] public required long Bytes { get; init; }
    /// <summary>Says where it would be made, and makes nothing.</summary>
    [Key(2)] public bool OnlyChoose { get; init; }
    /// <summary>Makes it there and nowhere else, however often it is asked: what was answered when a place was chosen.</summary>
    [Key(3)] public string? Path { get; init; }
}

public sealed record VolumeMade : Message
{
    /// <summary>Of its folder on the machine.</summary>
    [Key(0)] public required string Path { get; init; }
}

/// <summary>
/// Controller to worker: deletes a volume's folder with all that is in it. Answered by <see cref="Done"/>, also where there is none; Fault
/// <c>busy</c> while its disk is not mounted, or a pod has it.
/// </summary>
public sealed record DropVolume : Message
{
    [Key(0)] public required string Volume { get; init; }
    /// <summary>Where it was made.</summary>
    [Key(1)] public required string Path { get; init; }
}
