using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Operos.Csi;
using Operos.Proto;
using Operos.Proto.Connection;
using Operos.Worker.Node;

namespace Operos.Worker.Volumes;

/// <summary>
/// Answers the kubelet for volumes of Ceph, from when the controller first says that there is a cluster of Ceph. A controller that is away
/// changes nothing: what is mapped is taken away from pods and let go as before.
/// </summary>
internal sealed class VolumePlugin(NodeMembership membership, ControllerGrants grants, ILoggerFactory log) : BackgroundService
{
    private static readonly TimeSpan Glance = TimeSpan.FromSeconds(2), LongestPause = TimeSpan.FromMinutes(1);
    private readonly CsiPaths paths = new();
    private readonly ILogger logger = log.CreateLogger<VolumePlugin>();
    private volatile bool isWanted;

    /// <summary>What the controller answered to a heartbeat.</summary>
    public void Follow(ControlConnection connection, NodeConfiguration configuration)
    {
        grants.Follow(connection);
        isWanted |= configuration.Storage?.Ceph is not null;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // An agent before this one answered in this boot.
        isWanted |= File.Exists(paths.RegistrationSocket);
        for (var pause = Glance; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            // The kubelet's folder is there once it was put onto a disk, and the kubelet runs.
            while (!isWanted || membership.Node is null || !Directory.Exists(paths.Registry))
                await Task.Delay(Glance, stoppingToken).ConfigureAwait(false);
            try { await CsiServer.RunAsync(paths, membership.Node, grants, log, stoppingToken).ConfigureAwait(false); }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidOperationException)
            {
                logger.VolumesNotAnswered(e.Message);
            }
            await Task.Delay(pause, stoppingToken).ConfigureAwait(false);
        }
    }
}
