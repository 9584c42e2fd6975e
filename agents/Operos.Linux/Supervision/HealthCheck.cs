namespace Operos.Linux.Supervision;

/// <summary>
/// How a daemon is asked whether it works, and what its answers mean. Unless told otherwise: it works as soon as it runs, and one that does
/// not answer for half a minute never will.
/// </summary>
public sealed record HealthCheck
{
    /// <summary>Asks it: null where it works, else what is wrong, in words for an operator. Never throws but when cancelled.</summary>
    public required Func<CancellationToken, Task<string?>> AskAsync { get; init; }

    /// <summary>Between two questions, while it works.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Between two questions, while it does not.</summary>
    public TimeSpan PauseWhileAiling { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// How long it may ail and still be called healthy, also when it has just been started: that a flood took a question or two is none of
    /// the operator's business. Zero for one that is healthy only when it has said so.
    /// </summary>
    public TimeSpan Forgiven { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long it may ail until it counts as wedged and is started again, once it has worked.</summary>
    public TimeSpan LongestAilment { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The same for one that has not worked yet, or not since it was started for that; <see cref="TimeSpan.MaxValue"/> where to begin anew
    /// would only make a long start longer.
    /// </summary>
    public TimeSpan LongestStart { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Whether one that answers need not be looked at: for a daemon of which nobody must know that another process took its place. It saves
    /// the questions to systemd.
    /// </summary>
    public bool AnswerSuffices { get; init; }

    /// <summary>Is told that it counts as wedged, before it is started again.</summary>
    public Action? Wedged { get; init; }
}
