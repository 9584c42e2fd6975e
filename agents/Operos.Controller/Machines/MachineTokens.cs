using System.Security.Cryptography;

namespace Operos.Controller.Machines;

/// <summary>
/// What is known of the secrets that a machine's disks carry: their hashes. A machine whose power is cut before its disks have the new one
/// shows the one before; so two count.
/// </summary>
internal sealed record MachineTokens
{
    /// <summary>In bytes.</summary>
    public const int Length = 32;

    /// <summary>SHA-256 of the one that it showed when it enrolled last; null where it showed none, as a machine without disks.</summary>
    public string? Shown { get; init; }

    /// <summary>SHA-256 of the one that it was given last.</summary>
    public string? Given { get; init; }

    /// <summary>Whether one of a newcomer's is this machine's.</summary>
    /// <param name="hashes">SHA-256 of what it showed, in hex, lower case.</param>
    public bool IsShown(IReadOnlyList<string> hashes) => hashes.Any(hash => hash == Shown || hash == Given);

    /// <summary>After an enrolment: the newest that was shown counts, and the one that the machine is given now.</summary>
    /// <param name="isSameBoot">The machine has proved by its boot's key that it is the one that enrolled before.</param>
    public MachineTokens After(IReadOnlyList<string> hashes, string given, bool isSameBoot) => new()
    {
        Shown = hashes.FirstOrDefault(hash => hash == Given) ?? hashes.FirstOrDefault(hash => hash == Shown) ?? (isSameBoot ? Shown : null),
        Given = given,
    };

    public static string HashOf(ReadOnlySpan<byte> token) => Convert.ToHexStringLower(SHA256.HashData(token));
}
