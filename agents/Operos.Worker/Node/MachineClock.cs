using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Operos.Linux;
using Operos.Linux.Clock;
using Operos.Linux.Units;
using Operos.Worker.Configuration;

namespace Operos.Worker.Node;

/// <summary>
/// Has chronyd keep this machine's clock by the controller's. Once it runs it is systemd's, and needs no agent; nothing waits for it.
/// </summary>
internal sealed class MachineClock(WorkerSettings settings, Systemd systemd, ILogger<MachineClock> logger) : BackgroundService
{
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(30);
    /// <summary>A chronyd that runs has read what is no longer written.</summary>
    private bool outdated;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var told = "";
        while (settings.Apply && await TryAsync(stoppingToken).ConfigureAwait(false) is { } problem)
        {
            if (problem != told) logger.ClockNotKept(problem);
            told = problem;
            await Task.Delay(Again, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stoppingToken.IsCancellationRequested) return;
        }
    }

    /// <returns>Why it does not run with the right configuration; null where it does.</returns>
    private async Task<string?> TryAsync(CancellationToken cancellationToken)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Chrony.Configuration)!);
            outdated |= AtomicFile.WriteIfChanged(Chrony.Configuration, Chrony.Follow(settings.Control.Address));
            var state = await systemd.ReadAsync(Chrony.Unit, cancellationToken).ConfigureAwait(false);
            if (state.IsRunning && !outdated) return null;
            await systemd.RestartAsync(Chrony.Unit, cancellationToken).ConfigureAwait(false);
            outdated = false;
            state = await systemd.ReadAsync(Chrony.Unit, cancellationToken).ConfigureAwait(false);
            return state.IsRunning ? null : $"{Chrony.Unit}.service is {state}";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return e.Message; }
        catch (OperationCanceledException) { return null; }
    }
}
