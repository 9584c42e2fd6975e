using Microsoft.Extensions.Logging;
using Operos.Ceph;
using Operos.Controller.Connections;
using Operos.Controller.Disks;
using Operos.Controller.Machines;
using Operos.Proto;

namespace Operos.Controller.Storage;

/// <summary>Ceph on the machines' disks: what workers are told of it, the keys that they get, and how it stands.</summary>
internal sealed class RackStorage
{
    private readonly CephMonitor? ceph;
    private readonly OsdGrants grants;
    private readonly OsdBook book;

    /// <param name="ceph">Null where this cluster has none.</param>
    /// <param name="path">Of the file that says which OSDs were granted.</param>
    public RackStorage(CephMonitor? ceph, RackDisks disks, MachineRegistry machines, Sessions sessions, string path,
        TimeProvider time, ILogger<RackStorage> logger)
    {
        this.ceph = ceph;
        book = new OsdBook(path);
        grants = new OsdGrants(ceph, disks, book, time, logger);
        Views = new StorageViews(ceph, book, disks, machines, sessions);
    }

    public StorageViews Views { get; }

    /// <summary>What workers are told; null where there is none, or its identity cannot be read.</summary>
    public CephCluster? Cluster => ceph?.Map is { } map ? new CephCluster { Fsid = $"{map.Fsid}", Monitors = map.Monitors } : null;

    /// <summary>The monitor and the manager, and whether they work.</summary>
    public IReadOnlyList<(string Name, (bool Healthy, string Text, DateTimeOffset Since) Status)> Daemons => ceph?.Daemons ?? [];

    /// <summary>What of all this cannot be read, with the way out.</summary>
    public IEnumerable<string> Unreadable => ceph is not null && book.Trouble is { } trouble ? [trouble] : [];

    /// <summary>Answers a worker that asks for an OSD's key.</summary>
    /// <exception cref="RefusedException">It gets none.</exception>
    public Task<Message> GrantAsync(OsdRequest request, string machine, CancellationToken cancellationToken) =>
        grants.GrantAsync(request, machine, cancellationToken);
}
