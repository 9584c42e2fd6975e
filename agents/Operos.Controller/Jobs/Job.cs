namespace Operos.Controller.Jobs;

/// <summary>A job that runs: its record as it is now, and what ends it.</summary>
internal sealed class Job(JobRecord record, CancellationToken agent) : IDisposable
{
    private readonly CancellationTokenSource cancel = CancellationTokenSource.CreateLinkedTokenSource(agent);

    public JobRecord Record { get; set; } = record;

    /// <summary>Whether it was begun by an agent before this one.</summary>
    public bool IsResumed { get; init; }

    /// <summary>Whoever cancelled it; null while nobody has.</summary>
    public string? CancelledBy { get; private set; }

    /// <summary>Set when the work can no longer be taken back: then it goes on to its end.</summary>
    public bool IsCommitted { get; set; }

    public DateTimeOffset Saved { get; set; }

    public CancellationToken Cancelled => cancel.Token;

    /// <summary>Completed with the record as it ended; cancelled where the agent ends first.</summary>
    public TaskCompletionSource<JobRecord> Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Cancel(string by)
    {
        CancelledBy ??= by;
        // Its continuations are not run here, where a lock is held.
        _ = cancel.CancelAsync();
    }

    public void Dispose() => cancel.Dispose();
}

/// <summary>How a job tells how far it is.</summary>
internal interface IJobProgress
{
    JobRecord Record { get; }

    /// <summary>Whether a restart of the agent lies between its beginning and now.</summary>
    bool IsResumed { get; }

    /// <summary>Whether an operator ended it; else it is cut off by the agent's end, and gone on with.</summary>
    bool IsCancelled { get; }

    /// <summary>What it waits for now.</summary>
    void Report(string text);

    /// <summary>Its machine, in this boot, is about to be told to reboot. Written to disk before this returns.</summary>
    void Tells(string boot);

    /// <summary>It is this job that keeps new pods off its machine, or no longer. Written to disk before this returns.</summary>
    void Cordons(bool keepsOff);

    /// <summary>Its machine could not be emptied, which was no obstacle.</summary>
    void Leaves(string why);

    /// <summary>From here on it cannot be cancelled.</summary>
    /// <exception cref="OperationCanceledException">It was, just now.</exception>
    void Commit();
}

/// <summary>
/// What the jobs of one kind do. Each step before <see cref="JobStep.Reboot"/> may be done twice; a machine that was told is not told
/// again.
/// </summary>
internal interface IJobWork
{
    JobKind Kind { get; }

    /// <summary>What it answers with is the outcome.</summary>
    /// <exception cref="RefusedException">It cannot be done.</exception>
    Task<string> RunAsync(IJobProgress progress, CancellationToken cancellationToken);

    /// <summary>What an operator does where it was cancelled or interrupted.</summary>
    string NextStep(JobRecord record);
}
