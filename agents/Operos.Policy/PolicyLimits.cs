namespace Operos.Policy;

/// <summary>
/// What one tenant may make a node hold. A policy beyond a limit is refused as a whole: it isolates its pods and allows nothing.
/// </summary>
public sealed record PolicyLimits
{
    /// <summary>nftables rules of one policy in one direction.</summary>
    public int RulesPerPolicy { get; init; } = 2_000;

    /// <summary>Port and address ranges of one rule of a policy, after merging.</summary>
    public int RangesPerRule { get; init; } = 10_000;

    /// <summary>
    /// Rules and set elements, pods that selectors select included, of all policies of one namespace. In the policies' order by name.
    /// </summary>
    public int ElementsPerNamespace { get; init; } = 200_000;
}
