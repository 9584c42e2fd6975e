using Microsoft.Extensions.Logging;
using Operos.Ceph;
using Operos.Ceph.Pools;
using Operos.Controller.Configuration;
using Operos.Controller.Connections;
using Operos.Controller.Disks;
using Operos.Controller.Machines;
using Operos.Kubernetes;
using Operos.Linux.Tasks;
using Operos.Proto;

namespace Operos.Controller.Storage;

/// <summary>
/// Ceph on the machines' disks: what workers are told of it, the keys that they get, the volumes that are made of it, and how it stands.
/// </summary>
internal sealed class RackStorage : IDisposable
{
    private readonly CephMonitor? ceph;
    private readonly PoolImages? images;
    private readonly OsdGrants grants;
    private readonly VolumeGrants volumeGrants;
    private readonly OsdBook book;
    private readonly VolumeBook staged;
    private readonly PoolVolumes? volumes;
    private readonly VolumeFailover? failover;
    private readonly RemovedUsers? removed;
    private readonly LostMonitor? lost;
    private readonly LostKeys? lostKeys;

    /// <param name="ceph">Null where this cluster has none.</param>
    /// <param name="client">The API server; null where this cluster has none.</param>
    public RackStorage(CephMonitor? ceph, ApiClient? client, RackDisks disks, MachineRegistry machines, Sessions sessions,
        ControllerPaths paths, TimeProvider time, ILogger<RackStorage> logger)
    {
        this.ceph = ceph;
        images = ceph?.OpenImages();
        book = new OsdBook(paths.Osds);
        // One whose record cannot be read has what it had. One that an operator took out may, too, but who has the image open says so.
        staged = new VolumeBook(paths.StagedVolumes, one => machines.Get(one.Machine) is { } machine ? machine.BootId == one.BootId
            : machines.Knows(one.Machine));
        grants = new OsdGrants(ceph, disks, book, time, logger);
        volumeGrants = new VolumeGrants(ceph, images, disks, machines, staged, time, logger);
        volumes = ceph is null || client is null ? null : new PoolVolumes(client, ceph, volumeGrants.WhoHas, logger);
        failover = ceph is null || images is null || client is null || volumes is null ? null
            : new VolumeFailover(ceph, images, client, volumes, staged, machines, sessions, time, logger);
        removed = ceph is null ? null : new RemovedUsers(ceph, machines, logger);
        lost = ceph is null ? null : new LostMonitor(ceph, book, machines, sessions, logger);
        if (ceph is not null) ceph.Source = lost;
        lostKeys = ceph is null ? null : new LostKeys(ceph, book, disks, machines, sessions, logger);
        Views = new StorageViews(ceph, book, staged, disks, machines, sessions);
        Volumes = new VolumeViews(volumes, images, staged, machines);
        Osds = new OsdOrders(ceph, book, machines, () => [.. Volumes.List(null).Volumes
            .Select(volume => volume.Claim.Length > 0 ? volume.Claim : volume.Volume)], time, logger);
        Pool = new PoolOrders(ceph, logger);
        Pulling = new PullCheck(ceph, client, Views, Volumes, staged, disks, machines);
    }

    public StorageViews Views { get; }

    /// <summary>Which machine has which volume.</summary>
    internal VolumeBook Staged => staged;

    public VolumeViews Volumes { get; }

    /// <summary>What may be pulled or switched off.</summary>
    public PullCheck Pulling { get; }

    /// <summary>What operators do to OSDs.</summary>
    public OsdOrders Osds { get; }

    /// <summary>What operators want of the pool.</summary>
    public PoolOrders Pool { get; }

    /// <summary>What workers are told; null where there is none, or its identity cannot be read.</summary>
    public CephCluster? Cluster => ceph?.Map is { } map ? new CephCluster { Fsid = $"{map.Fsid}", Monitors = map.Monitors } : null;

    /// <summary>The monitor and the manager, and whether they work.</summary>
    public IReadOnlyList<(string Name, (bool Healthy, string Text, DateTimeOffset Since) Status)> Daemons => ceph?.Daemons ?? [];

    /// <summary>What of all this cannot be read, with the way out.</summary>
    public IEnumerable<string> Unreadable => ceph is null ? [] : ((string?[])[book.Trouble, staged.Trouble]).OfType<string>();

    /// <summary>Makes and removes volumes, and takes them from machines that are lost or removed, until it is told to end.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => volumes is null || failover is null || removed is null
        ? Task.Delay(Timeout.Infinite, cancellationToken)
        : TaskGroup.RunAsync(cancellationToken, new("volumes", volumes.RunAsync), new("failover", failover.RunAsync),
            new("users of removed machines", removed.RunAsync));

    /// <summary>Lets OSDs in again whose keys a monitor does not have that was made anew, until it is told to end.</summary>
    public Task KeepKeysAsync(CancellationToken cancellationToken) =>
        lostKeys?.RunAsync(cancellationToken) ?? Task.Delay(Timeout.Infinite, cancellationToken);

    /// <summary>An operator does not want some OSDs to be waited for while the monitor's lost store is made anew.</summary>
    /// <returns>What follows, in words.</returns>
    /// <exception cref="RefusedException">No store is lost.</exception>
    public string Forgo(IReadOnlyList<int> osds, string caller) => lost?.Forgo(osds, caller)
        ?? throw new RefusedException(RefusalKind.Conflict, "this cluster has no Ceph", "storage.ceph in controller.toml");

    /// <summary>Answers a worker that asks for an OSD's key, or about a volume.</summary>
    /// <exception cref="RefusedException">It is not done.</exception>
    public Task<Message> AnswerAsync(Message request, string machine, CancellationToken cancellationToken) => request is OsdRequest osd
        ? grants.GrantAsync(osd, machine, cancellationToken) : volumeGrants.AnswerAsync(request, machine, cancellationToken);

    public void Dispose() => images?.Dispose();
}
