using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Operos.Linux.Supervision;

/// <summary>
/// Keeps a daemon running: what it reads is written before each start, one that runs already is found and kept, one that died or no longer
/// answers is started again, ever later the sooner it dies.
/// </summary>
/// <param name="process">What runs it.</param>
public sealed class DaemonSupervisor(Daemon daemon, IDaemonProcess process, ILogger logger)
{
    private static readonly TimeSpan ShortLife = TimeSpan.FromSeconds(10), FirstPause = TimeSpan.FromSeconds(0.2),
        LongestPause = TimeSpan.FromSeconds(30);

    /// <summary>A flood may take a question or two; a daemon that answers none for so long is wedged.</summary>
    private static readonly TimeSpan BetweenProbes = TimeSpan.FromSeconds(5), LongestSilence = TimeSpan.FromSeconds(30);

    private enum Order { Restart, Prepare }

    private volatile TaskCompletionSource<Order>? told;

    /// <summary>Running, or why not.</summary>
    public (bool Healthy, string Text, DateTimeOffset Since) Status { get; private set; } = (false, "not started", DateTimeOffset.UtcNow);

    public int? ProcessId { get; private set; }

    /// <summary>Ends the daemon, so that it starts with new files.</summary>
    public void Restart() => told?.TrySetResult(Order.Restart);

    /// <summary>What the daemon reads is written anew, and it follows that as <see cref="Daemon.PrepareAsync"/> says.</summary>
    public void Prepare() => told?.TrySetResult(Order.Prepare);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var pause = FirstPause;
        try
        {
            while (true)
            {
                var started = Stopwatch.GetTimestamp();
                if (await RunOnceAsync(cancellationToken).ConfigureAwait(false) is not { } problem) continue;
                ProcessId = null;
                Status = (false, problem, DateTimeOffset.UtcNow);
                if (Stopwatch.GetElapsedTime(started) > ShortLife) pause = FirstPause;
                logger.Ended(daemon.Name, problem, pause.TotalSeconds);
                await Task.Delay(pause, cancellationToken).ConfigureAwait(false);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
        finally
        {
            ProcessId = null;
            await process.LeaveAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Runs it until it ends, and answers why it did; null where it only follows new files.</summary>
    private async Task<string?> RunOnceAsync(CancellationToken cancellationToken)
    {
        // From here on: what is told while it starts is not lost.
        var order = told = new TaskCompletionSource<Order>(TaskCreationOptions.RunContinuationsAsynchronously);
        int id;
        try { id = await BringUpAsync(cancellationToken).ConfigureAwait(false); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or LinuxException) { return e.Message; }
        using var life = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var end = process.EndAsync(id, life.Token);
        var silence = WaitForSilenceAsync(life.Token);
        var first = await Task.WhenAny(end, order.Task, silence).ConfigureAwait(false);
        await life.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(end, silence).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        if (first == end) return await end.ConfigureAwait(false);
        if (first == order.Task && await order.Task.ConfigureAwait(false) == Order.Prepare) return null;
        // One that does not answer would keep the port of the next.
        try { await process.StopAsync(cancellationToken).ConfigureAwait(false); }
        catch (IOException e) { return e.Message; }
        return first == silence ? $"has not answered for {LongestSilence.TotalSeconds:0} s" : "told to start again";
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
        if (found is { } running && change != DaemonChange.Restart)
        {
            if (running != ProcessId) logger.Found(daemon.Name, running);
            if (change == DaemonChange.Reload) await process.ReloadAsync(cancellationToken).ConfigureAwait(false);
        }
        else
        {
            found = await process.StartAsync(cancellationToken).ConfigureAwait(false);
            logger.Runs(daemon.Name);
        }
        if (found != ProcessId) Status = (true, daemon.Running, DateTimeOffset.UtcNow);
        ProcessId = found;
        return found.Value;
    }

    /// <summary>Asks the daemon again and again; returns when it has been silent for too long.</summary>
    private async Task WaitForSilenceAsync(CancellationToken cancellationToken)
    {
        if (daemon.AnswersAsync is not { } answersAsync)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(false);
            return;
        }
        var answered = Stopwatch.StartNew();
        while (answered.Elapsed < LongestSilence)
        {
            await Task.Delay(BetweenProbes, cancellationToken).ConfigureAwait(false);
            if (!await answersAsync(cancellationToken).ConfigureAwait(false))
            {
                // One lost question is none of the operator's business.
                if (Status.Healthy && answered.Elapsed > BetweenProbes * 2)
                    Status = (false, "does not answer", DateTimeOffset.UtcNow);
                continue;
            }
            if (!Status.Healthy) Status = (true, daemon.Running, DateTimeOffset.UtcNow);
            answered.Restart();
        }
    }
}
