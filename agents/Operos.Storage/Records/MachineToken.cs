using System.Security.Cryptography;

namespace Operos.Storage.Records;

/// <summary>
/// A machine's own secret: the controller gives it a new one at each enrolment, its disks carry it, and the next enrolment shows it. Who
/// has but a copy of what the machine tells of itself does not have it.
/// </summary>
public sealed class MachineToken : IEquatable<MachineToken>
{
    /// <summary>In bytes.</summary>
    public const int Length = 32;

    private readonly byte[] bytes;

    private MachineToken(byte[] bytes) => this.bytes = bytes;

    public ReadOnlySpan<byte> Bytes => bytes;

    /// <summary>Null where the bytes are none: too many, too few, or all zero.</summary>
    public static MachineToken? Of(ReadOnlySpan<byte> bytes) =>
        bytes.Length == Length && bytes.ContainsAnyExcept((byte)0) ? new MachineToken(bytes.ToArray()) : null;

    public bool Equals(MachineToken? other) => other is not null && CryptographicOperations.FixedTimeEquals(bytes, other.bytes);

    public override bool Equals(object? obj) => Equals(obj as MachineToken);

    public override int GetHashCode() => BitConverter.ToInt32(SHA256.HashData(bytes));

    /// <summary>It is in no log.</summary>
    public override string ToString() => "a machine's token";
}
