using Nerdbank.MessagePack;

namespace Operos.Proto;

/// <summary>
/// Controller to worker: makes a folder on one of its disks for a volume of Kubernetes. Answered by <see cref="VolumeMade"/>.
/// </summary>
/// <remarks>Asked again it answers the same. Fault <c>conflict</c> where no disk of this machine has the room.</remarks>
public sealed record MakeVolume : Message
{
    /// <summary><c>pvc-</c> and a UUID.</summary>
    [Key(0)] public required string Volume { get; init; }
    /// <summary>As many as its claim asks for.</summary>
    [Key(1)] public required long Bytes { get; init; }
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
