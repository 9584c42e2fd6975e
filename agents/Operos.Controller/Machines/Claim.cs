using System.Security.Cryptography;
using System.Text;

namespace Operos.Controller.Machines;

/// <summary>
/// Somebody who presented a known machine's evidence and was not let in as it. It waits for an operator's word under the key that it
/// showed.
/// </summary>
internal sealed record Claim
{
    /// <summary>The most that are remembered of one machine; the one that was silent longest makes room.</summary>
    public const int MaxOfMachine = 4;

    public static string IdOf(string machine, string keyHash) =>
        "claim-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(machine + keyHash)).AsSpan(0, 6));

    /// <summary>What operators call it by.</summary>
    public required string Id { get; init; }
    /// <summary>SHA-256 of the public key that it proved to hold (PKCS #10): the operator's word counts for this key alone.</summary>
    public required string KeyHash { get; init; }
    public required string Address { get; init; }
    public required DateTimeOffset First { get; init; }
    public required DateTimeOffset Last { get; init; }
    /// <summary>Why it was not let in.</summary>
    public required string Reason { get; init; }
    /// <summary>It came as the machine comes back: whole, and while nobody was it. Not in older records.</summary>
    public bool IsReturn { get; init; }
    /// <summary>An operator said that it is a machine of its own.</summary>
    public bool IsNewMachine { get; init; }
}

/// <summary>An operator said whose the machine's identity is: nobody else gets it until then.</summary>
internal sealed record AwaitedKey(string KeyHash, DateTimeOffset Until);
