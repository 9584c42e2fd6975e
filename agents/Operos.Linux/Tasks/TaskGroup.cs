using System.Collections.Concurrent;

namespace Operos.Linux.Tasks;

/// <summary>Tasks that live and end together. What runs in one never ends in silence.</summary>
public static class TaskGroup
{
    /// <summary>How long the others have to end once one has; one that is still there then is named as a failure.</summary>
    public static readonly TimeSpan LongestEnd = TimeSpan.FromSeconds(30);

    /// <summary>Runs all until cancelled; the first that ends cancels the others, which are awaited.</summary>
    /// <exception cref="TaskGroupException">One failed, or ended untold; or, once told to, failed to end.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled, and all ended as they were asked to.</exception>
    public static Task RunAsync(CancellationToken cancellationToken, params IReadOnlyList<SupervisedTask> works) =>
        RunAsync(works, LongestEnd, cancellationToken);

    internal static async Task RunAsync(IReadOnlyList<SupervisedTask> works, TimeSpan longestEnd, CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var failures = new ConcurrentQueue<TaskFailure>();
        var running = works.Select(work => (work.Name, Task: ObserveAsync(work, failures, end.Token))).ToList();
        var tasks = running.Select(work => work.Task).ToList();
        await Task.WhenAny(tasks).ConfigureAwait(false);
        await end.CancelAsync().ConfigureAwait(false);
        try { await Task.WhenAll(tasks).WaitAsync(longestEnd, CancellationToken.None).ConfigureAwait(false); }
        catch (TimeoutException)
        {
            foreach (var (name, _) in running.Where(work => !work.Task.IsCompleted))
                failures.Enqueue(new(name,
                    new TaskEndedException($"does not end within {longestEnd.TotalSeconds:0.#} s of being told to") { StillRuns = true }));
        }
        if (!failures.IsEmpty) throw new TaskGroupException([.. failures]);
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Never throws: how it ended is among the failures, or is no failure.</summary>
    private static async Task ObserveAsync(SupervisedTask work, ConcurrentQueue<TaskFailure> failures, CancellationToken end)
    {
        try
        {
            await work.RunAsync(end).ConfigureAwait(false);
            if (!end.IsCancellationRequested) Fail(new TaskEndedException("ended, though nobody told it to"));
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested) { }
        catch (OperationCanceledException e) { Fail(new TaskEndedException("was cancelled, though nobody told it to end", e)); }
        catch (Exception e) { Fail(e); }

        void Fail(Exception reason) => failures.Enqueue(new(work.Name, reason));
    }
}
