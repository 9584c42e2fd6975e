using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Operos.Linux.Programs;
using Operos.Linux.Units;

namespace Operos.Linux.Supervision;

/// <summary>
/// A daemon as the unit that the image has for it. It lives on when this agent ends, and systemd starts it again when it dies, also while
/// there is no agent.
/// </summary>
internal sealed class UnitDaemon(Daemon daemon, Systemd systemd, ILogger logger) : IDaemonProcess
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1), StartLook = TimeSpan.FromMilliseconds(200),
        FollowAgain = TimeSpan.FromSeconds(5), SparedLook = TimeSpan.FromSeconds(20);

    /// <summary>A start that takes longer is left to itself. systemd gives one that is to end 90 s, then kills it.</summary>
    private static readonly TimeSpan ShortStart = TimeSpan.FromSeconds(10), LongestRestart = TimeSpan.FromMinutes(2);

    public async Task<int?> FindAsync(CancellationToken cancellationToken)
    {
        var state = await systemd.ReadAsync(daemon.Unit, cancellationToken).ConfigureAwait(false);
        if (state.Load == "not-found") throw new IOException($"this image has no {daemon.Unit}.service");
        return state.Process;
    }

    public async Task<int> StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            var before = await systemd.ReadMainProcessAsync(daemon.Unit, cancellationToken).ConfigureAwait(false);
            await systemd.OrderRestartAsync(daemon.Unit, cancellationToken).ConfigureAwait(false);
            if (await UntilStartedAsync(before, cancellationToken).ConfigureAwait(false) is { } process) return process;
        }
        catch (IOException e) { throw new IOException($"cannot be started: {e.Message}", e); }
        throw new IOException(await WhyAsync(cancellationToken).ConfigureAwait(false));
    }

    public Task ReloadAsync(CancellationToken cancellationToken) => systemd.ReloadAsync(daemon.Unit, cancellationToken);

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        var state = await systemd.ReadAsync(daemon.Unit, cancellationToken).ConfigureAwait(false);
        if (state.Load == "not-found" || state.Active == "inactive") return;
        await systemd.StopAsync(daemon.Unit, cancellationToken).ConfigureAwait(false);
    }

    public async Task<string?> EndAsync(int process, Func<bool> answers, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var following = daemon.Heard is { } heard ? FollowAsync(heard, ended.Token) : Task.CompletedTask;
        try
        {
            for (var looked = Stopwatch.StartNew(); ; await Task.Delay(Look, cancellationToken).ConfigureAwait(false))
            {
                var isSpared = answers();
                if ((isSpared || Lives(process)) && looked.Elapsed < SparedLook) continue;
                looked.Restart();
                if (await ProcessAsync(cancellationToken).ConfigureAwait(false) is not { } now || now == process) continue;
                // systemd has started it again, and it works. Nobody is told hours later, when it ails for a moment, that it ended.
                return isSpared && now != 0 ? null : await WhyAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
            await following.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public Task LeaveAsync() => Task.CompletedTask;

    /// <summary>The kernel tells it for a file's lookup, systemd for four messages over the bus.</summary>
    private static bool Lives(int process) => Directory.Exists($"/proc/{process}");

    /// <summary>Its process, once systemd is done, or when the start has begun and is a long one; null where there is none.</summary>
    private async Task<int?> UntilStartedAsync(int before, CancellationToken cancellationToken)
    {
        for (var began = Stopwatch.StartNew(); ; await Task.Delay(StartLook, cancellationToken).ConfigureAwait(false))
        {
            // Asked first: when systemd was done by then, the state is the one that it came to.
            var busy = await systemd.IsBusyAsync(daemon.Unit, cancellationToken).ConfigureAwait(false);
            var process = (await systemd.ReadAsync(daemon.Unit, cancellationToken).ConfigureAwait(false)).Process;
            if (!busy || (process is not null && process != before && began.Elapsed > ShortStart)) return process;
            if (began.Elapsed > LongestRestart)
                throw new IOException($"{daemon.Unit}.service: restart is not done after {LongestRestart.TotalSeconds:0} s; "
                    + $"see systemctl status {daemon.Unit}");
        }
    }

    /// <summary>Its process, 0 for none; null where systemd cannot be asked for a while, which says nothing of the daemon.</summary>
    private async Task<int?> ProcessAsync(CancellationToken cancellationToken)
    {
        try { return await systemd.ReadMainProcessAsync(daemon.Unit, cancellationToken).ConfigureAwait(false); }
        catch (IOException e)
        {
            logger.NotAsked(daemon.Name, e.Message);
            return null;
        }
    }

    private async Task<string> WhyAsync(CancellationToken cancellationToken)
    {
        var how = await StateAsync(cancellationToken).ConfigureAwait(false);
        var words = await UnitJournal.LastWordsAsync(daemon.Unit, LastWords.Lines, cancellationToken).ConfigureAwait(false);
        return $"{how}: {words}".TrimEnd(' ', ':');
    }

    private async Task<string> StateAsync(CancellationToken cancellationToken)
    {
        try
        {
            // The state of one that systemd has started again tells nothing of the end.
            if (await systemd.ReadAsync(daemon.Unit, cancellationToken).ConfigureAwait(false) is { Process: null } state)
                return state.ToString();
        }
        catch (IOException e) { logger.NotAsked(daemon.Name, e.Message); }
        return "ended";
    }

    private async Task FollowAsync(Action<string> heard, CancellationToken cancellationToken)
    {
        while (true)
        {
            try { await UnitJournal.FollowAsync(daemon.Unit, heard, cancellationToken).ConfigureAwait(false); }
            catch (IOException e) { logger.NotAsked(daemon.Name, e.Message); }
            await Task.Delay(FollowAgain, cancellationToken).ConfigureAwait(false);
        }
    }
}
