using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Operos.Linux.Supervision;

/// <summary>
/// Keeps a daemon running: what it reads is written before each start, one that runs already is found and kept, one that died or no longer
/// works is started again, ever later the sooner it dies.
/// </summary>
/// <param name="process">What runs it.</param>
public sealed class DaemonSupervisor(Daemon daemon, IDaemonProcess process, ILogger logger)
{
    /// <summary>What is said of one before its first start.</summary>
    public const string NotStarted = "not started";

    private static readonly TimeSpan ShortLife = TimeSpan.FromSeconds(10), FirstPause = TimeSpan.FromSeconds(0.2),
        LongestPause = TimeSpan.FromSeconds(30), Look = TimeSpan.FromSeconds(1);

    private sealed record Told(bool Healthy, string Text, DateTimeOffset Since);

    /// <summary>Held while the status or an order is given.</summary>
    private readonly Lock telling = new();
    private volatile Told told = new(false, NotStarted, DateTimeOffset.UtcNow);

    /// <summary>What the daemon is told in its present life: why to start again, or null to follow new files. Null between two.</summary>
    private TaskCompletionSource<string?>? order;
    private volatile bool answers;
    private bool worked;

    /// <summary>
    /// A process that runs is not to go on: its files changed, or it was told to end. It stays so until another was started, whatever fails
    /// meanwhile.
    /// </summary>
    private bool outdated;

    /// <summary>Is told how the daemon is, each time that there is something else to say of it; from whichever thread.</summary>
    public event Action<bool, string>? StatusChanged;

    /// <summary>Running, or why not.</summary>
    public (bool Healthy, string Text, DateTimeOffset Since) Status
    {
        get
        {
            var (healthy, text, since) = told;
            return (healthy, text, since);
        }
    }

    public int? ProcessId { get; private set; }

    /// <summary>Ends the daemon, so that it starts with new files. Says whether it will: one that does not run is not told.</summary>
    /// <param name="reason">What is said of it until it runs again.</param>
    public bool Restart(string reason = "told to start again")
    {
        lock (telling)
        {
            if (order?.TrySetResult(reason) != true) return false;
            Tell(false, reason);
            return true;
        }
    }

    /// <summary>What the daemon reads is written anew, and it follows that as <see cref="Daemon.PrepareAsync"/> says.</summary>
    public void Prepare()
    {
        lock (telling) order?.TrySetResult(null);
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var pause = FirstPause;
        try
        {
            for (; daemon.WaitsFor?.Invoke() is { } missing; await Task.Delay(Look, cancellationToken).ConfigureAwait(false))
                Tell(false, missing);
            while (true)
            {
                var started = Stopwatch.GetTimestamp();
                if (await RunOnceAsync(cancellationToken).ConfigureAwait(false) is not { } problem) continue;
                ProcessId = null;
                Tell(false, problem);
                if (Stopwatch.GetElapsedTime(started) > ShortLife) pause = FirstPause;
                logger.Ended(daemon.Name, problem, pause.TotalSeconds);
                await PauseAsync(pause, cancellationToken).ConfigureAwait(false);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
        finally
        {
            ProcessId = null;
            await process.LeaveAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Runs it until it ends, and answers why it did; null where it follows new files, or was told to start again.</summary>
    private async Task<string?> RunOnceAsync(CancellationToken cancellationToken)
    {
        // From here on: what is told while it starts is not lost.
        var orders = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (telling) order = orders;
        try
        {
            var id = await BringUpAsync(cancellationToken).ConfigureAwait(false);
            return await LiveAsync(id, orders.Task, cancellationToken).ConfigureAwait(false);
        }
        // It cannot be brought up, or one that is to end does not.
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or LinuxException) { return e.Message; }
        finally
        {
            lock (telling) order = null;
        }
    }

    /// <summary>As long as a process lives; as <see cref="RunOnceAsync"/>.</summary>
    private async Task<string?> LiveAsync(int id, Task<string?> orders, CancellationToken cancellationToken)
    {
        using var life = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        answers = false;
        var end = process.EndAsync(id, () => answers && daemon.Health is { AnswerSuffices: true }, life.Token);
        var wedged = UntilWedgedAsync(orders, life.Token);
        var first = await Task.WhenAny((Task)orders, end, wedged).ConfigureAwait(false);
        await life.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll((Task)end, wedged).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        var reason = orders.IsCompleted ? await orders.ConfigureAwait(false) : null;
        if (reason is null && first != wedged) return first == end ? await end.ConfigureAwait(false) : null;
        // A question that threw tells nothing of the daemon, which goes on.
        var ailment = reason is null ? await wedged.ConfigureAwait(false) : null;
        if (reason is not null) logger.Restarts(daemon.Name, reason);
        ProcessId = null;
        outdated = true;
        // One that does not answer would keep the port of the next.
        if (!daemon.RestartsInPlace) await process.StopAsync(cancellationToken).ConfigureAwait(false);
        return ailment;
    }

    private async Task<int> BringUpAsync(CancellationToken cancellationToken)
    {
        var found = await process.FindAsync(cancellationToken).ConfigureAwait(false);
        DaemonChange change;
        try { change = await daemon.PrepareAsync(found is not null, cancellationToken).ConfigureAwait(false); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or LinuxException)
        {
            throw new IOException($"cannot be prepared: {e.Message}", e);
        }
        outdated |= change == DaemonChange.Restart;
        if (found is { } running && !outdated)
        {
            if (running != ProcessId) logger.Found(daemon.Name, running);
            if (change == DaemonChange.Reload) await process.ReloadAsync(cancellationToken).ConfigureAwait(false);
        }
        else
        {
            found = await process.StartAsync(cancellationToken).ConfigureAwait(false);
            outdated = false;
            logger.Runs(daemon.Name);
        }
        if (found != ProcessId && daemon.Health?.Forgiven != TimeSpan.Zero) Tell(true, daemon.Running);
        ProcessId = found;
        return found.Value;
    }

    /// <summary>Asks the daemon again and again; returns, with the words for it, when it has ailed for too long.</summary>
    private async Task<string> UntilWedgedAsync(Task orders, CancellationToken cancellationToken)
    {
        if (daemon.Health is not { } health)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(false);
            throw new OperationCanceledException(cancellationToken);
        }
        var (ails, isAtFault) = (Stopwatch.StartNew(), Stopwatch.StartNew());
        while (true)
        {
            // Ailing for want of something else is no fault of its own.
            if (daemon.WaitsFor?.Invoke() is not null) isAtFault.Restart();
            var problem = await health.AskAsync(cancellationToken).ConfigureAwait(false);
            var patience = worked ? health.LongestAilment : health.LongestStart;
            answers = problem is null;
            if (problem is null)
            {
                worked = true;
                ails.Restart();
                isAtFault.Restart();
                TellAnswer(orders);
            }
            else if (isAtFault.Elapsed > patience)
            {
                worked = false;
                health.Wedged?.Invoke();
                return $"has not worked for {patience.TotalSeconds:0} s: {problem}";
            }
            else if (ails.Elapsed >= health.Forgiven) Tell(false, problem);
            await Task.Delay(problem is null ? health.Pause : health.PauseWhileAiling, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>What it answered before it was told to start again says nothing of the process that comes.</summary>
    private void TellAnswer(Task orders)
    {
        lock (telling)
        {
            if (!orders.IsCompleted) Tell(true, daemon.Running);
        }
    }

    /// <summary>Waits before another start; less where it runs again meanwhile and goes on to, which systemd may see to.</summary>
    private async Task PauseAsync(TimeSpan pause, CancellationToken cancellationToken)
    {
        int? seen = null;
        for (var left = pause; left > TimeSpan.Zero; left -= Look)
        {
            await Task.Delay(left < Look ? left : Look, cancellationToken).ConfigureAwait(false);
            int? found = null;
            try { found = await process.FindAsync(cancellationToken).ConfigureAwait(false); }
            // Why it cannot be found is told when it is to be started.
            catch (IOException) { }
            if (found is not null && found == seen) return;
            seen = found;
        }
    }

    private void Tell(bool healthy, string text)
    {
        lock (telling)
        {
            if (told.Healthy == healthy && told.Text == text) return;
            told = new(healthy, text, told.Healthy == healthy ? told.Since : DateTimeOffset.UtcNow);
            StatusChanged?.Invoke(healthy, text);
        }
    }
}
