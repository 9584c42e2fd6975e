using Operos.Policy.Nftables;

namespace Operos.Policy;

/// <summary>What an operator may ask an enforcer.</summary>
public sealed record EnforcerState
{
    /// <summary>When the rules were last brought up to date; null before the first time.</summary>
    public DateTimeOffset? InForceSince { get; init; }

    public RulesetSize Size { get; init; }

    /// <summary>What was refused of policies and pods.</summary>
    public IReadOnlyList<PolicyProblem> Problems { get; init; } = [];

    /// <summary>Why the rules are behind the cluster; null where they are not.</summary>
    public string? Error { get; init; }
    public DateTimeOffset? ErrorSince { get; init; }

    /// <summary>How often rules were made of what is known of the cluster.</summary>
    public long Compilations { get; init; }

    public TimeSpan Compile { get; init; }
    public TimeSpan Apply { get; init; }
}
