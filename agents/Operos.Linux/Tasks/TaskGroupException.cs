namespace Operos.Linux.Tasks;

/// <summary>Tasks of a group failed: the first is the cause, and each other one that failed while the group ended is named too.</summary>
public sealed class TaskGroupException : Exception
{
    internal TaskGroupException(IReadOnlyList<TaskFailure> failures)
        : base(Describe(failures), failures[0].Reason) => Failures = failures;

    /// <summary>In the order in which they came; at least one.</summary>
    public IReadOnlyList<TaskFailure> Failures { get; }

    /// <summary>Whether one of them runs still: what it holds is not free.</summary>
    public bool LeavesSomeBehind => Failures.Any(failure => failure.Reason is TaskEndedException { StillRuns: true }
        or TaskGroupException { LeavesSomeBehind: true });

    private static string Describe(IReadOnlyList<TaskFailure> failures) =>
        string.Join("; also ", failures.Select(failure => $"{failure.Name}: {failure.Reason.Message}"));
}

/// <param name="Name">The task's.</param>
/// <param name="Reason">Why it ended; a <see cref="TaskEndedException"/> where it gave no reason.</param>
public sealed record TaskFailure(string Name, Exception Reason);

/// <summary>A task ended that nobody had asked to, or did not end when it was asked to.</summary>
public sealed class TaskEndedException : Exception
{
    internal TaskEndedException(string message, Exception? inner = null) : base(message, inner) { }

    /// <summary>It did not end when it was asked to.</summary>
    public bool StillRuns { get; init; }
}
