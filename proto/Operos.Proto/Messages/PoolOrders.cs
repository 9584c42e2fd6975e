using Nerdbank.MessagePack;

namespace Operos.Proto;

/// <summary>
/// Operator to controller: how many copies the pool of volumes keeps, and with how many it is read and written. Answered by
/// <see cref="Done"/>, which says what follows.
/// </summary>
/// <remarks>Fault <c>conflict</c> where there is no pool, <c>bad-request</c> where the numbers are none that a pool can have.</remarks>
public sealed record SetPool : Message
{
    /// <summary>At most: 2 or 3; null leaves it.</summary>
    [Key(0)] public int? Copies { get; init; }
    /// <summary>1 or 2; null leaves it.</summary>
    [Key(1)] public int? MinSize { get; init; }
}
