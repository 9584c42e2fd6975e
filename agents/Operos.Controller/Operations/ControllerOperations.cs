using Microsoft.Extensions.Logging;
using Operos.Authority;
using Operos.Boot;
using Operos.Controller.Audit;
using Operos.Controller.Boot;
using Operos.Controller.Cluster;
using Operos.Controller.Configuration;
using Operos.Controller.Connections;
using Operos.Controller.Dhcp;
using Operos.Controller.Jobs;
using Operos.Controller.Machines;
using Operos.Controller.Operators;
using Operos.Names;

namespace Operos.Controller.Operations;

/// <summary>What the controller keeps on its disk.</summary>
internal sealed record RackStores(MachineRegistry Machines, OperatorRegistry Operators, ReleaseStore Releases, AuditLog Audit,
    JobStore Jobs);

/// <summary>Who is connected: workers by machine, everybody by certificate.</summary>
internal sealed record LiveConnections(Sessions Workers, OpenConnections ByHolder);

/// <summary>What machines boot by and find each other with.</summary>
/// <param name="Dns">Null where the controller is no name server.</param>
internal sealed record NetworkServices(BootWatch Boots, Dnsmasq Dnsmasq, ClusterDns? Dns);

/// <summary>What a part of the controller is told of its surroundings.</summary>
internal sealed record ControllerContext(ControllerSettings Settings, ControllerPaths Paths, TimeProvider Time, ILoggerFactory Loggers);

/// <summary>The operations of this controller.</summary>
internal static class ControllerOperations
{
    /// <param name="cluster">Null where no Kubernetes runs.</param>
    /// <returns>The operations, and the jobs that some of them begin; these want to run.</returns>
    public static (OperationCatalogue Operations, JobRunner Jobs) Create(RackStores stores, LiveConnections live,
        NetworkServices services, KubernetesCluster? cluster, CertificateAuthority authority, ControllerContext context)
    {
        var (machines, workers, time) = (stores.Machines, live.Workers, context.Time);
        var views = new MachineViews(workers, time);
        var (settings, leases) = (context.Settings, context.Paths.Leases);
        var endpoint = $"{settings.Address}:{settings.ControlPort}";
        var order = new RebootOrder(machines, workers, time, context.Loggers.CreateLogger<RebootOrder>());
        var drain = new DrainWork(cluster, time);
        var jobs = new JobRunner(stores.Jobs, [drain, new RemovalWork(drain, machines, workers, cluster),
            new RebootWork(drain, order, workers, cluster, time)], stores.Audit, time, context.Loggers.CreateLogger<JobRunner>());
        var start = new JobStart(jobs, cluster, time);
        return (new OperationCatalogue(
        [
            new MachineListing(machines, views), new MachineDescription(machines, views), new MachineApproval(machines),
            new MachineRejection(machines), new MachineRenaming(machines), new MachineLabelling(machines),
            new IdentityResolution(machines, workers, time), new MachineRemoval(machines, start),
            new MachineReboot(machines, workers, order, start), new MachineDrain(machines, cluster, start),
            new MachineUncordoning(machines, cluster), new JobListing(jobs), new JobDescription(jobs), new JobCancellation(jobs),
            new LeaseListing(machines, settings.DhcpMode, leases), new ReleaseListing(stores.Releases),
            new BootListing(services.Boots, leases), new ClusterStatus(stores, services, views, cluster, authority, context),
            new MachineDiagnosis(machines, views, workers, cluster), new ApiCredentialIssue(machines, cluster),
            new OperatorListing(stores.Operators, time), new OperatorCreation(stores.Operators, endpoint),
            new OperatorRenewal(stores.Operators, endpoint), new OperatorRevocation(stores.Operators, live.ByHolder),
            new AuditReading(stores.Audit),
        ], stores.Audit, context.Loggers.CreateLogger<OperationCatalogue>()), jobs);
    }
}
