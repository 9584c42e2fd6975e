using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Operos.Proto;
using Operos.Storage.Reports;
using Operos.Worker.Configuration;

namespace Operos.Worker.Disks;

/// <summary>
/// The disks of a machine that is simulated are images: they are looked at and told, and never put to work. Where none are named it has no
/// disks, and says nothing of any.
/// </summary>
internal sealed class SimulatedDisks(WorkerSettings settings, DiskBoard board, ILogger<SimulatedDisks> logger) : BackgroundService
{
    private Guid machine;

    /// <summary>Which machine it is, as the controller answered to a heartbeat.</summary>
    public void Follow(NodeConfiguration configuration)
    {
        if (settings.Disks.Count == 0 || !Guid.TryParse(configuration.Hostname, out var told) || told == machine) return;
        machine = told;
        board.Ask();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (settings.Disks.Count > 0)
            {
                var asked = board.Asked;
                if (machine != Guid.Empty) await LookAsync(stoppingToken).ConfigureAwait(false);
                await asked.WaitAsync(stoppingToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { }
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        using var turn = await board.TakeTurnAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var disks = await MachineDisks.LookAsync(settings.DiskPolicy(machine), settings.Disks, cancellationToken).ConfigureAwait(false);
            board.Show([.. disks.Select(disk => DiskStates.Of(disk, []))]);
        }
        catch (IOException e) { logger.DisksFailed(e.Message); }
    }
}
