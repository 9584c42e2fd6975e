using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Operos.Controller.Dns;

/// <summary>Keeps a daemon running: its files written before each start, started again when it dies, stopped with us.</summary>
/// <param name="prepare">Writes what the daemon reads and answers its arguments.</param>
internal sealed class DnsDaemon(string name, string program, Func<CancellationToken, Task<IReadOnlyList<string>>> prepare, ILogger logger)
{
    private static readonly TimeSpan ShortLife = TimeSpan.FromSeconds(10), FirstPause = TimeSpan.FromSeconds(0.2), LongestPause = TimeSpan.FromSeconds(30);
    private volatile TaskCompletionSource? restart;

    /// <summary>Running, or why not.</summary>
    public (bool Healthy, string Text, DateTimeOffset Since) Status { get; private set; } = (false, "not started", DateTimeOffset.UtcNow);

    public int? ProcessId { get; private set; }

    /// <summary>Ends the daemon, so that it starts with new files.</summary>
    public void Restart() => restart?.TrySetResult();

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var pause = FirstPause;
        while (true)
        {
            var started = Stopwatch.GetTimestamp();
            var problem = await StartAsync(cancellationToken).ConfigureAwait(false);
            Status = (false, problem, DateTimeOffset.UtcNow);
            if (Stopwatch.GetElapsedTime(started) > ShortLife) pause = FirstPause;
            logger.LogError("{Daemon}: {Problem}; starting it again in {Pause} s", name, problem, pause.TotalSeconds);
            await Task.Delay(pause, cancellationToken).ConfigureAwait(false);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    /// <summary>Runs the daemon until it ends; answers why it did.</summary>
    private async Task<string> StartAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<string> arguments;
        try { arguments = await prepare(cancellationToken).ConfigureAwait(false); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or Operos.Linux.LinuxException) { return $"cannot be prepared: {e.Message}"; }
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true, RedirectStandardInput = true },
        };
        var last = "";
        process.ErrorDataReceived += (_, line) =>
        {
            if (string.IsNullOrWhiteSpace(line.Data)) return;
            last = line.Data;
            logger.LogDebug("{Line}", line.Data);
        };
        try { process.Start(); }
        catch (System.ComponentModel.Win32Exception e) { return $"cannot be started: {e.Message}; is the package {name} installed?"; }
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        process.StandardInput.Close();
        var told = restart = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        ProcessId = process.Id;
        Status = (true, "running", DateTimeOffset.UtcNow);
        logger.LogInformation("{Daemon} runs", name);
        try
        {
            var exit = process.WaitForExitAsync(cancellationToken);
            if (await Task.WhenAny(exit, told.Task).ConfigureAwait(false) == told.Task) return "told to start again";
            await exit.ConfigureAwait(false);
            return $"ended with code {process.ExitCode}: {last}";
        }
        finally
        {
            restart = null;
            ProcessId = null;
            // A wedged daemon would hold the port that the next one needs.
            if (!process.HasExited) process.Kill();
            await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }
}
