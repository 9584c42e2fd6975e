using Microsoft.Extensions.Logging;
using Operos.Authority;
using Operos.Boot;
using Operos.Controller.Audit;
using Operos.Controller.Backups;
using Operos.Controller.Boot;
using Operos.Controller.Clock;
using Operos.Controller.Cluster;
using Operos.Controller.Configuration;
using Operos.Controller.Connections;
using Operos.Controller.Dhcp;
using Operos.Controller.Disks;
using Operos.Controller.Jobs;
using Operos.Controller.Machines;
using Operos.Controller.Operators;
using Operos.Controller.Storage;
using Operos.Linux.Tasks;
using Operos.Names;

namespace Operos.Controller.Operations;

/// <summary>What the controller keeps on its disk.</summary>
internal sealed record RackStores(MachineRegistry Machines, OperatorRegistry Operators, ReleaseStore Releases, AuditLog Audit,
    JobStore Jobs, EventLog Events);

/// <summary>Who is connected: workers by machine, everybody by certificate.</summary>
internal sealed record LiveConnections(Sessions Workers, OpenConnections ByHolder);

/// <summary>What machines boot by and find each other with.</summary>
/// <param name="Dns">Null where the controller is no name server.</param>
/// <param name="Clock">Null where somebody started this agent by hand: that machine's clock is not ours to keep.</param>
internal sealed record NetworkServices(BootWatch Boots, Dnsmasq Dnsmasq, ClusterDns? Dns, ClockServer? Clock = null);

/// <summary>What a part of the controller is told of its surroundings.</summary>
internal sealed record ControllerContext(ControllerSettings Settings, ControllerPaths Paths, TimeProvider Time, ILoggerFactory Loggers)
{
    /// <summary>The parts of the controller that may fail alone.</summary>
    public EnduringTasks Parts { get; init; } = new(Time, Loggers.CreateLogger<EnduringTasks>());

    public required RackDisks Disks { get; init; }

    public required RackStorage Storage { get; init; }

    public RackBackups? Backups { get; init; }

    /// <summary>
    /// Kubernetes is to run and cannot, as where its keys cannot be read: nobody is told that there is none, and no machine is emptied.
    /// </summary>
    public bool LacksKubernetes { get; init; }
}

/// <summary>The operations of this controller.</summary>
internal static class ControllerOperations
{
    /// <param name="cluster">Null where no Kubernetes runs.</param>
    /// <returns>The operations; the jobs that some of them begin, and who begins some by itself: these want to run.</returns>
    public static (OperationCatalogue Operations, JobRunner Jobs, LostDisks LostDisks) Create(RackStores stores, LiveConnections live,
        NetworkServices services, KubernetesCluster? cluster, CertificateAuthority authority, ControllerContext context)
    {
        var (machines, workers, time) = (stores.Machines, live.Workers, context.Time);
        var (settings, leases) = (context.Settings, context.Paths.Leases);
        var endpoint = $"{settings.Address}:{settings.ControlPort}";
        var order = new RebootOrder(machines, workers, time, context.Loggers.CreateLogger<RebootOrder>());
        var drain = new DrainWork(cluster, context.LacksKubernetes, time);
        var jobs = new JobRunner(stores.Jobs, [drain, new RemovalWork(drain, machines, workers, cluster),
            new RebootWork(drain, order, workers, cluster, time)], stores.Audit, time, context.Loggers.CreateLogger<JobRunner>());
        var start = new JobStart(jobs, time);
        bool WaitsForOperator(string machine) => settings.Readmission != ReadmissionPolicy.Auto
            && !context.Disks.Views.List(machine).Any(entry => entry.Disk is { Class: "ours" } disk
                && disk.Uses.Any(use => use is { Use: "volumes", MountedAt: not null }));
        var lost = new LostDisks(machines, workers, jobs, cluster, settings.HealsLostDisks, context.LacksKubernetes, WaitsForOperator, time,
            context.Loggers.CreateLogger<LostDisks>());
        var views = new MachineViews(workers, lost, time);
        var backups = context.Backups ?? new RackBackups(settings, context.Paths, cluster, time, context.Loggers);
        return (new OperationCatalogue(
        [
            new MachineListing(machines, views), new MachineDescription(machines, views), new MachineApproval(machines),
            new MachineRejection(machines), new MachineRenaming(machines), new MachineLabelling(machines),
            new IdentityResolution(machines, workers, time), new MachineRemoval(machines, start),
            new MachineReboot(machines, workers, order, start), new MachineDrain(machines, cluster, start),
            new MachineCordoning(machines, cluster, start), new MachineUncordoning(machines, cluster, start),
            new JobListing(jobs), new JobDescription(jobs), new JobCancellation(jobs),
            new LeaseListing(machines, settings.DhcpMode, leases), new ReleaseListing(stores.Releases),
            new BootListing(services.Boots, leases), new ClusterStatus(stores, services, views, cluster, authority,
                context with { Backups = backups }),
            new MachineDiagnosis(machines, views, workers, cluster), new ApiCredentialIssue(cluster),
            new OperatorListing(stores.Operators, time), new OperatorCreation(stores.Operators, endpoint),
            new OperatorRenewal(stores.Operators, endpoint), new OperatorRevocation(stores.Operators, live.ByHolder),
            new DiskListing(context.Disks, machines), new DiskDescription(context.Disks), new DiskExclusion(context.Disks, machines),
            new DiskReclaim(context.Disks, machines), new DiskLocation(context.Disks, workers),
            new DiskWiping(context.Disks, machines, workers, authority, time),
            new StorageStatus(context.Storage), new OsdListing(context.Storage), new VolumeListing(context.Storage),
            new VolumeView(context.Storage), new OsdTakingOut(context.Storage), new OsdPuttingIn(context.Storage),
            new OsdRemoval(context.Storage), new OsdReplacement(context.Storage), new PoolSetting(context.Storage),
            new MonitorRebuild(context.Storage), new PullQuestion(context.Storage),
            new AuditReading(stores.Audit), new EventReading(machines, stores.Events),
            new BackupListing(backups, settings.BackupsKept), new BackupCreation(backups), new BackupVerification(backups),
            new BackupOpening(backups), new BackupReading(backups),
        ], stores.Audit, context.Loggers.CreateLogger<OperationCatalogue>()), jobs, lost);
    }
}
