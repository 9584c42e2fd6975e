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
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1), FollowAgain = TimeSpan.FromSeconds(5);

    public async Task<int?> FindAsync(CancellationToken cancellationToken)
    {
        var state = await systemd.ReadAsync(daemon.Unit, cancellationToken).ConfigureAwait(false);
        if (state.Load == "not-found") throw new IOException($"this image has no {daemon.Unit}.service");
        return state.MainProcess == 0 || !state.IsRunning ? null : state.MainProcess;
    }

    public async Task<int> StartAsync(CancellationToken cancellationToken)
    {
        try { await systemd.RestartAsync(daemon.Unit, cancellationToken).ConfigureAwait(false); }
        catch (IOException e) { throw new IOException($"cannot be started: {e.Message}", e); }
        return await FindAsync(cancellationToken).ConfigureAwait(false)
            ?? throw new IOException(await WhyAsync(cancellationToken).ConfigureAwait(false));
    }

    public Task ReloadAsync(CancellationToken cancellationToken) => systemd.ReloadAsync(daemon.Unit, cancellationToken);

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        var state = await systemd.ReadAsync(daemon.Unit, cancellationToken).ConfigureAwait(false);
        if (state.Load == "not-found" || state.Active == "inactive") return;
        await systemd.StopAsync(daemon.Unit, cancellationToken).ConfigureAwait(false);
    }

    public async Task<string> EndAsync(int process, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var following = daemon.Heard is { } heard ? FollowAsync(heard, ended.Token) : Task.CompletedTask;
        try
        {
            while (await RunsAsync(process, cancellationToken).ConfigureAwait(false))
                await Task.Delay(Look, cancellationToken).ConfigureAwait(false);
            return await WhyAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
            await following.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public Task LeaveAsync() => Task.CompletedTask;

    /// <summary>A systemd that cannot be asked for a while says nothing of the daemon.</summary>
    private async Task<bool> RunsAsync(int process, CancellationToken cancellationToken)
    {
        try { return await systemd.ReadMainProcessAsync(daemon.Unit, cancellationToken).ConfigureAwait(false) == process; }
        catch (IOException e)
        {
            logger.NotAsked(daemon.Name, e.Message);
            return true;
        }
    }

    private async Task<string> WhyAsync(CancellationToken cancellationToken)
    {
        var lines = await JournalAsync(cancellationToken).ConfigureAwait(false);
        return $"ended: {LastWords.Fault(lines)}".TrimEnd(' ', ':');
    }

    private async Task<IReadOnlyList<string>> JournalAsync(CancellationToken cancellationToken)
    {
        // Of what the unit itself said: systemd's words about it come after.
        var (_, output, _) = await ProgramCall.RunAsync("journalctl", [$"_SYSTEMD_UNIT={daemon.Unit}.service",
            "--lines", $"{LastWords.Lines}", "--output", "cat", "--no-pager", "--quiet"], cancellationToken).ConfigureAwait(false);
        return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];
    }

    private async Task FollowAsync(Action<string> heard, CancellationToken cancellationToken)
    {
        while (true)
        {
            using var journal = new Process { StartInfo = new ProcessStartInfo("journalctl", [$"_SYSTEMD_UNIT={daemon.Unit}.service",
                "--follow", "--lines", "0", "--output", "cat", "--no-pager", "--quiet"])
                { RedirectStandardOutput = true, RedirectStandardInput = true } };
            try
            {
                journal.Start();
                journal.StandardInput.Close();
                while (await journal.StandardOutput.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line) heard(line);
            }
            catch (System.ComponentModel.Win32Exception e) { logger.NotAsked(daemon.Name, e.Message); }
            finally { End(journal); }
            await Task.Delay(FollowAgain, cancellationToken).ConfigureAwait(false);
        }
    }

    private static void End(Process process)
    {
        try { process.Kill(); }
        // It never began, or has ended.
        catch (InvalidOperationException) { }
    }
}
