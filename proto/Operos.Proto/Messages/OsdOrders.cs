using Nerdbank.MessagePack;

namespace Operos.Proto;

/// <summary>
/// Operator to controller: no data is put on an OSD any more, and what is on it is copied to others. Answered by <see cref="Done"/>, which
/// says how much that is and how long it takes.
/// </summary>
/// <remarks>Fault <c>not-found</c> where there is none of this number, <c>conflict</c> where the pool would stand still.</remarks>
public sealed record TakeOsdOut : Message
{
    /// <summary>Its number.</summary>
    [Key(0)] public required int Osd { get; init; }
}

/// <summary>Operator to controller: data is put on an OSD again. Answered by <see cref="Done"/>.</summary>
public sealed record PutOsdIn : Message
{
    [Key(0)] public required int Osd { get; init; }
}

/// <summary>
/// Operator to controller: an OSD whose disk does not come back is taken from the cluster, and never started again. Answered by
/// <see cref="Done"/>.
/// </summary>
/// <remarks>Fault <c>conflict</c> where it is up, or where data would be lost; the text says which.</remarks>
public sealed record RemoveOsd : Message
{
    [Key(0)] public required int Osd { get; init; }
    /// <summary>Also where data is lost with it.</summary>
    [Key(1)] public bool LoseData { get; init; }
}

/// <summary>
/// As <see cref="RemoveOsd"/>; its number and its place stay, and the next blank disk of the same machine gets them.
/// </summary>
public sealed record ReplaceOsd : Message
{
    [Key(0)] public required int Osd { get; init; }
    /// <summary>Also where data is lost with it.</summary>
    [Key(1)] public bool LoseData { get; init; }
}
