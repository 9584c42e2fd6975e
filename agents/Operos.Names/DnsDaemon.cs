using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Operos.Names;

/// <summary>
/// Keeps a daemon running: its files written before each start, started again when it dies or no longer answers, stopped with us.
/// </summary>
/// <param name="prepare">Writes what the daemon reads and answers its arguments.</param>
internal sealed class DnsDaemon(string name, string program, Func<CancellationToken, Task<IReadOnlyList<string>>> prepare, DnsProbe probe,
    ILogger logger)
{
    private static readonly TimeSpan ShortLife = TimeSpan.FromSeconds(10), FirstPause = TimeSpan.FromSeconds(0.2),
        LongestPause = TimeSpan.FromSeconds(30);
    /// <summary>A flood may take a question or two; a daemon that answers none for so long is wedged.</summary>
    private static readonly TimeSpan BetweenProbes = TimeSpan.FromSeconds(5), LongestSilence = TimeSpan.FromSeconds(30);
    /// <summary>In the line by which either daemon says why it ends; knotd says three more after that.</summary>
    private static readonly string[] FaultWords = ["critical: ", "error: "];
    /// <summary>What was said longer ago is not why it ended.</summary>
    private const int LastLines = 8;
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
            logger.StartsAgain(name, problem, pause.TotalSeconds);
            await Task.Delay(pause, cancellationToken).ConfigureAwait(false);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    /// <summary>Runs the daemon until it ends; answers why it did.</summary>
    private async Task<string> StartAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<string> arguments;
        try { arguments = await prepare(cancellationToken).ConfigureAwait(false); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException
            or Operos.Linux.LinuxException) { return $"cannot be prepared: {e.Message}"; }
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(program, arguments)
                { RedirectStandardError = true, RedirectStandardOutput = true, RedirectStandardInput = true },
        };
        var said = new Queue<string>();
        process.ErrorDataReceived += (_, line) =>
        {
            if (string.IsNullOrWhiteSpace(line.Data)) return;
            if (said.Count == LastLines) said.Dequeue();
            said.Enqueue(line.Data);
            logger.Said(line.Data);
        };
        try { process.Start(); }
        catch (System.ComponentModel.Win32Exception e) { return $"cannot be started: {e.Message}; is the package {name} installed?"; }
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        process.StandardInput.Close();
        var told = restart = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        ProcessId = process.Id;
        Status = (true, "running", DateTimeOffset.UtcNow);
        logger.Runs(name);
        try
        {
            using var life = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var exit = process.WaitForExitAsync(life.Token);
            var silence = WaitForSilenceAsync(life.Token);
            var first = await Task.WhenAny(exit, told.Task, silence).ConfigureAwait(false);
            await life.CancelAsync().ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            if (first == told.Task) return "told to start again";
            if (first == silence) return $"has not answered for {LongestSilence.TotalSeconds:0} s";
            var fault = said.LastOrDefault(line => FaultWords.Any(line.Contains)) ?? said.LastOrDefault();
            return $"ended with code {process.ExitCode}: {fault}";
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

    /// <summary>Asks the daemon again and again; returns when it has been silent for too long.</summary>
    private async Task WaitForSilenceAsync(CancellationToken cancellationToken)
    {
        var answered = Stopwatch.StartNew();
        while (answered.Elapsed < LongestSilence)
        {
            await Task.Delay(BetweenProbes, cancellationToken).ConfigureAwait(false);
            if (!await probe.AnswersAsync(cancellationToken).ConfigureAwait(false))
            {
                // One lost question is none of the operator's business.
                if (Status.Healthy && answered.Elapsed > BetweenProbes * 2) Status = (false, "does not answer", DateTimeOffset.UtcNow);
                continue;
            }
            if (!Status.Healthy) Status = (true, "running", DateTimeOffset.UtcNow);
            answered.Restart();
        }
    }
}
