namespace Operos.Worker.Disks;

/// <summary>
/// Until when what a node writes waits for a disk after a boot: a pass put it onto one, or there is none to wait for. Of no disk the kernel
/// says that it was the last: a controller card may answer seconds after the others, and a node that began in RAM stays there.
/// </summary>
internal sealed class FirstPass(TimeProvider time)
{
    /// <summary>So long nothing must have come or gone where no disk serves yet.</summary>
    public static readonly TimeSpan Quiet = TimeSpan.FromSeconds(4);
    /// <summary>What failed may have been busy: it is tried again soon, and so often.</summary>
    public static readonly TimeSpan Retry = TimeSpan.FromSeconds(5);
    private const int Tries = 3;

    private readonly TaskCompletionSource over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string? seen;
    private long since;
    /// <summary>In a row; null before the first pass.</summary>
    private int? failures;

    /// <summary>Ends when nothing is waited for any more.</summary>
    public Task Over => over.Task;

    /// <summary>Takes note of which disks there are now, from the agent's beginning on.</summary>
    /// <param name="signature">What changes with a disk that comes or goes.</param>
    public void Look(string signature)
    {
        if (signature == seen) return;
        (seen, since) = (signature, time.GetTimestamp());
    }

    /// <summary>A node has its folders, and volumes were mounted where they can be: what else a pass does is not waited for.</summary>
    public void Serve() => over.TrySetResult();

    /// <summary>Takes note of a pass that ended.</summary>
    public void Passed(bool isWell) => failures = isWell ? 0 : (failures ?? 0) + 1;

    /// <summary>Decides, after a pass and at each look that follows it.</summary>
    /// <param name="signature">Of the disks that the last pass began with.</param>
    /// <param name="isOpen">Whether a disk that comes may still serve the node.</param>
    public void Decide(string signature, bool isOpen)
    {
        if (failures is null) return;
        var isQuiet = failures == 0 && signature == seen && time.GetElapsedTime(since) >= Quiet;
        if (!isOpen || failures >= Tries || isQuiet) over.TrySetResult();
    }
}
