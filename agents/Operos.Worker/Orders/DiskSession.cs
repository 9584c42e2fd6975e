using Operos.Proto;
using Operos.Proto.Connection;
using Operos.Worker.Configuration;
using Operos.Worker.Disks;
using Operos.Worker.Osds;
using Operos.Worker.Volumes;

namespace Operos.Worker.Orders;

/// <summary>What goes to and fro about disks between this machine and the controller.</summary>
internal sealed class DiskSession(WorkerSettings settings, DiskKeeper keeper, SimulatedDisks simulated, DiskReporter reporter,
    DiskTokens tokens, DiskOrders orders, LocalVolumes volumes, OsdKeeper osds, VolumePlugin plugin)
{
    private volatile string? machine;

    /// <summary>What they carry that proves which machine this is.</summary>
    public Task<IReadOnlyList<Proof>> ProveAsync(CancellationToken cancellationToken) => tokens.ShowAsync(cancellationToken);

    /// <summary>Has them carry what the controller gave at enrolment.</summary>
    public void Keep(byte[]? token) => tokens.Keep(token);

    /// <summary>What heartbeats tell.</summary>
    public Heartbeat Tell(Heartbeat heartbeat) => heartbeat with { LostNodeDisk = keeper.HasLostNodeDisk, Osds = osds.States };

    /// <summary>What the controller answered to a heartbeat.</summary>
    public void Follow(ControlConnection connection, NodeConfiguration configuration)
    {
        machine = configuration.Hostname;
        // First: what OSDs take of the memory is known before a look at the disks is over.
        if (settings.Apply) osds.Follow(connection, configuration);
        keeper.Follow(connection, configuration);
        simulated.Follow(configuration);
        if (settings.Apply) plugin.Follow(connection, configuration);
    }

    /// <summary>Tells of the disks as long as the connection lasts.</summary>
    public Task ReportAsync(ControlConnection connection, CancellationToken cancellationToken) =>
        reporter.RunAsync(connection, cancellationToken);

    /// <summary>Null where the request is not about disks.</summary>
    public async ValueTask<Message?> AnswerAsync(Message request, CancellationToken cancellationToken) =>
        request is WipeDisk or LocateDisk ? orders.Answer(request, machine) : !settings.Apply ? null
            : osds.Maps.Answer(request) ?? await volumes.AnswerAsync(request, cancellationToken).ConfigureAwait(false);
}
