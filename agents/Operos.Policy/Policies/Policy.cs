namespace Operos.Policy.Policies;

/// <summary>A NetworkPolicy as it is enforced: what was not valid in it is left out and told.</summary>
/// <param name="Pods">Which pods of its namespace it isolates.</param>
/// <param name="Ingress">The rules of that direction; null where the policy does not isolate it.</param>
/// <param name="Egress">The same for what the pods send.</param>
internal sealed record Policy(ObjectKey Key, Selector Pods, IReadOnlyList<PolicyRule>? Ingress, IReadOnlyList<PolicyRule>? Egress,
    IReadOnlyList<PolicyProblem> Problems)
{
    /// <summary>Which object it was, and how often its specification had been changed; both are 0 where nobody said.</summary>
    public (string? Uid, long Generation) Edition { get; init; }

    /// <summary>Whether the two are the same specification, by the API server's own count of its changes.</summary>
    public static bool IsSame(Policy one, Policy other) =>
        one.Edition == other.Edition && one.Edition is { Uid: not null, Generation: > 0 };

    public string Subject => SubjectOf(Key);

    public static string SubjectOf(ObjectKey key) => $"networkpolicy {key}";
}
