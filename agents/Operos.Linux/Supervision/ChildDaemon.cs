using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Operos.Linux.Programs;

namespace Operos.Linux.Supervision;

/// <summary>A daemon as a child of this agent, with which it ends: where no systemd runs this agent.</summary>
internal sealed class ChildDaemon(Daemon daemon, ILogger logger) : IDaemonProcess
{
    private Process? child;
    private LastWords said = new();

    public Task<int?> FindAsync(CancellationToken cancellationToken) =>
        Task.FromResult(child is { HasExited: false } running ? running.Id : (int?)null);

    public async Task<int> StartAsync(CancellationToken cancellationToken)
    {
        await StopAsync(cancellationToken).ConfigureAwait(false);
        var process = new Process
        {
            StartInfo = new ProcessStartInfo(daemon.Program, daemon.Arguments)
                { RedirectStandardError = true, RedirectStandardOutput = true, RedirectStandardInput = true },
        };
        var words = said = new LastWords();
        process.ErrorDataReceived += (_, line) =>
        {
            if (string.IsNullOrWhiteSpace(line.Data)) return;
            words.Add(line.Data);
            logger.Said(daemon.Name, line.Data);
            daemon.Heard?.Invoke(line.Data);
        };
        try { process.Start(); }
        catch (System.ComponentModel.Win32Exception e)
        {
            process.Dispose();
            throw new IOException($"cannot be started: {e.Message}; is the package {daemon.Package} installed?", e);
        }
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        process.StandardInput.Close();
        child = process;
        return process.Id;
    }

    public Task ReloadAsync(CancellationToken cancellationToken)
    {
        if (child is { HasExited: false } running) ProcessSignal.Send(running.Id, ProcessSignal.Hangup);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (child is not { } ending) return;
        // A wedged daemon would hold the port that the next one needs.
        if (!ending.HasExited) ending.Kill();
        await ending.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        ending.Dispose();
        child = null;
    }

    public async Task<string?> EndAsync(int process, Func<bool> answers, CancellationToken cancellationToken)
    {
        if (child is not { } running) return "ended";
        await running.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        return $"ended with code {running.ExitCode}: {said}";
    }

    public Task LeaveAsync() => StopAsync(CancellationToken.None);
}
