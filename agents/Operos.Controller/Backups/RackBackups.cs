using Microsoft.Extensions.Logging;
using Operos.Controller.Cluster;
using Operos.Controller.Configuration;

namespace Operos.Controller.Backups;

/// <summary>The controller's backups: those that there are, how they are made, when, and who reads them.</summary>
internal sealed class RackBackups
{
    public RackBackups(ControllerSettings settings, ControllerPaths paths, KubernetesCluster? cluster, TimeProvider time,
        ILoggerFactory loggers)
    {
        Store = new BackupStore(paths.Backups);
        Maker = new BackupMaker(Store, paths, settings.BackupsKept, cluster, time, loggers.CreateLogger<BackupMaker>(),
            settings.Kubernetes.Enabled);
        Schedule = new BackupSchedule(Store, Maker, settings.BackupsKept, Founded(settings, paths, time), time,
            loggers.CreateLogger<BackupSchedule>());
        Tickets = new BackupTickets(Store, time);
    }

    /// <summary>
    /// When what is backed up began to be: of a cluster that etcd has not begun to keep, a backup would hold nothing.
    /// </summary>
    private static DateTimeOffset Founded(ControllerSettings settings, ControllerPaths paths, TimeProvider time)
    {
        var first = settings.Kubernetes.Enabled ? Path.Combine(paths.ControlPlane.Etcd, "member") : Path.Combine(paths.Pki, "ca.crt");
        var now = time.GetUtcNow();
        return Path.Exists(first) && new DateTimeOffset(Directory.GetCreationTimeUtc(first)) is var made && made < now ? made : now;
    }

    public BackupStore Store { get; }
    public BackupMaker Maker { get; }
    public BackupSchedule Schedule { get; }
    public BackupTickets Tickets { get; }
}
