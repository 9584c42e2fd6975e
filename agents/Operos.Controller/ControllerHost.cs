using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Operos.Authority;
using Operos.Boot;
using Operos.Ceph;
using Operos.Controller.Audit;
using Operos.Controller.Backups;
using Operos.Controller.Boot;
using Operos.Controller.Clock;
using Operos.Controller.Cluster;
using Operos.Controller.Configuration;
using Operos.Controller.Connections;
using Operos.Controller.Control;
using Operos.Controller.Dhcp;
using Operos.Controller.Disks;
using Operos.Controller.Jobs;
using Operos.Controller.Machines;
using Operos.Controller.Operations;
using Operos.Controller.Operators;
using Operos.Controller.Storage;
using Operos.Hardware.Inventories;
using Operos.Linux.Supervision;
using Operos.Linux.Tasks;
using Operos.Names;
using Operos.Release;

namespace Operos.Controller;

/// <summary>The controller's one group of tasks: the first that fails ends all, and systemd starts it again.</summary>
internal sealed class ControllerHost(ControllerSettings settings, ControllerPaths paths, TimeProvider time, ILoggerFactory loggers,
    IHostApplicationLifetime lifetime) : BackgroundService
{
    private readonly ILogger<ControllerHost> logger = loggers.CreateLogger<ControllerHost>();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        foreach (var doubt in settings.Doubts) logger.ConfigurationDoubted(doubt);
        try
        {
            await TaskGroup.RunAsync(stoppingToken, Compose()).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { }
        catch (TaskGroupException e) when (stoppingToken.IsCancellationRequested)
        {
            logger.EndedBadly(e.Message);
        }
        catch (Exception e) when (!stoppingToken.IsCancellationRequested)
        {
            logger.ControllerEnds(e, e.Message);
            Environment.ExitCode = 1;
            lifetime.StopApplication();
        }
    }

    private IReadOnlyList<SupervisedTask> Compose()
    {
        var releases = new ReleaseStore(paths.Releases, paths.ReleaseKeys, settings.Release, loggers.CreateLogger<ReleaseStore>(),
            HashedByBoot());
        var menu = new BootMenu(settings, releases);
        var loaders = new LoaderFiles(paths.Loaders, paths.Tftp, menu);
        var watch = new BootWatch(time);
        var http = new BootServer(new IPEndPoint(settings.Address, settings.HttpPort),
            new BootPaths(releases, loaders, menu, paths.Anchor).Find, watch, new BootServerLimits(), loggers.CreateLogger<BootServer>());
        var daemons = DaemonHost.Choose(loggers.CreateLogger<DaemonHost>());
        var dnsmasq = new Dnsmasq(settings, paths, loggers.CreateLogger<Dnsmasq>(), daemons);

        var authority = CertificateAuthority.Open(paths.Pki, time);
        var registry = new MachineRegistry(new MachineStore(paths.Machines, loggers.CreateLogger<MachineStore>()), settings.Admission,
            settings.MaxPending, time, settings.MaxMachines);
        var names = new ClusterNames();
        var dns = settings.DnsEnabled
            ? new ClusterDns(settings.NameServer(paths), names, time, loggers.CreateLogger<ClusterDns>(), host: daemons) : null;
        var clock = daemons.AreUnits ? new ClockServer(settings, paths, time, loggers.CreateLogger<ClockServer>(), daemons) : null;
        var sessions = new Sessions();
        var parts = new EnduringTasks(time, loggers.CreateLogger<EnduringTasks>());
        var cluster = OpenCluster(registry, sessions, daemons, parts);
        var backups = new RackBackups(settings, paths, cluster, time, loggers);
        var audit = new AuditLog(paths.Operations, time, loggers.CreateLogger<AuditLog>());
        var disks = new RackDisks(settings, paths, registry, sessions, audit, time, loggers);
        var ceph = settings.CephEnabled
            ? new CephMonitor(paths.Ceph, settings.Address, daemons, time, loggers.CreateLogger<CephMonitor>()) : null;
        var context = new ControllerContext(settings, paths, time, loggers)
        {
            Disks = disks,
            Storage = new RackStorage(ceph, cluster?.Client, disks, registry, sessions, paths, time, loggers.CreateLogger<RackStorage>()),
            Parts = parts, Backups = backups, LacksKubernetes = settings.Kubernetes.Enabled && cluster is null,
        };
        var enrolment = new MachineEnrolment(registry, authority, sessions, cluster, context);
        var live = new LiveConnections(sessions, new OpenConnections());
        var operators = new OperatorRegistry(new OperatorStore(paths.Operators, loggers.CreateLogger<OperatorStore>()), authority, time);
        operators.AdoptFirst();
        var jobStore = new JobStore(paths.Jobs, loggers.CreateLogger<JobStore>());
        var events = new EventLog(paths.History, time, loggers.CreateLogger<EventLog>());
        registry.Happened += events.Add;
        var stores = new RackStores(registry, operators, releases, audit, jobStore, events);
        var (operations, jobs, lostDisks) = ControllerOperations.Create(stores, live, new NetworkServices(watch, dnsmasq, dns, clock),
            cluster, authority, context);
        var control = new ControlServer(new IPEndPoint(IPAddress.Any, settings.ControlPort), authority, settings.Address,
            () => new ControlPeer(enrolment, operations, operators, live, time, loggers.CreateLogger<ControlPeer>()), time,
                loggers.CreateLogger<ControlServer>());

        var self = RegisterSelf(registry);
        registry.Changed += () => names.SetMachines(MachineNames(registry));
        names.SetMachines(MachineNames(registry));
        if (!settings.Kubernetes.Enabled) names.SetComplete();
        releases.Scan();
        releases.Changed += loaders.WriteMenus;
        // Who is let in and what operators order is what all else hangs on; each of the others may fail alone.
        List<SupervisedTask> works = [new("control endpoint", control.RunAsync), new("jobs", jobs.RunAsync),
            parts.Of("release store", releases.RunAsync), parts.Of("boot server", http.RunAsync),
            parts.Of("boot loaders", loaders.RunAsync), parts.Of("DHCP and TFTP", dnsmasq.RunAsync),
            parts.Of("address", new OwnAddress(settings.Address, time, loggers.CreateLogger<OwnAddress>()).RunAsync),
            parts.Of("boot history", new BootHistory(paths.History, watch, time, loggers.CreateLogger<BootHistory>()).RunAsync),
            parts.Of("daily backups", backups.Schedule.RunAsync), parts.Of("reports of disks", context.Disks.RunAsync),
            parts.Of("Ceph", ceph is not null ? ceph.RunAsync : token => daemons.KeepOffAsync(CephMonitor.Units, token)),
            parts.Of("keys of OSDs", context.Storage.KeepKeysAsync),
            parts.Of("machines that lost a disk", lostDisks.RunAsync),
            parts.Of("DNS", dns is not null ? dns.RunAsync : token => daemons.KeepOffAsync(ClusterDns.Units, token))];
        if (clock is not null) works.Add(parts.Of("time", clock.RunAsync));
        if (cluster is null) return works;
        works.AddRange([parts.Of("Kubernetes", cluster.RunAsync),
            parts.Of("volumes of the pool", context.Storage.RunAsync),
            parts.Of("names", token => new ClusterNamesWatch(cluster.Client, names).RunAsync(token))]);
        if (self is not null)
        {
            cluster.IsNode = true;
            works.Add(parts.Of("node", token => new ControllerNode(cluster, self, settings, paths.State, time, loggers).RunAsync(token)));
        }
        return works;
    }

    /// <summary>Null where no Kubernetes is to run, or none can: its keys cannot be read, or made.</summary>
    private KubernetesCluster? OpenCluster(MachineRegistry registry, Sessions sessions, DaemonHost daemons, EnduringTasks parts)
    {
        if (!settings.Kubernetes.Enabled) return null;
        try { return new KubernetesCluster(settings, paths, registry, sessions, time, loggers, daemons); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            parts.CannotBeMade("Kubernetes", e);
            return null;
        }
    }

    /// <summary>Only who was admitted has a name.</summary>
    private static IReadOnlyList<MachineName> MachineNames(MachineRegistry registry) =>
        [.. registry.All.Where(record => record.Standing == MachineStanding.Admitted)
            .Select(record => IPAddress.TryParse(record.Address, out var address) ? new MachineName(record.Id, record.Name, address) : null)
            .OfType<MachineName>()];

    /// <summary>The layers that PID 1 hashed before it mounted them: they need not be read again to be served.</summary>
    private IReadOnlySet<string> HashedByBoot()
    {
        try
        {
            if (!File.Exists(BootRecord.Path)) return new HashSet<string>();
            var boot = JsonSerializer.Deserialize(File.ReadAllBytes(BootRecord.Path), ReleaseJson.Default.BootRecord);
            return boot?.Layers.Select(layer => layer.Source).ToHashSet(StringComparer.Ordinal) ?? [];
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            logger.BootRecordUnreadable(BootRecord.Path, e.Message);
            return new HashSet<string>();
        }
    }

    private MachineRecord? RegisterSelf(MachineRegistry registry)
    {
        var boot = File.Exists(BootRecord.Path) ? File.ReadAllText(BootRecord.Path) : null;
        var inventory = new InventoryReader().Read();
        try { return registry.RegisterSelf(new Newcomer(inventory, boot, File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim(),
            settings.Address.ToString())); }
        catch (RefusedException e) { logger.NotListed(e.Message); }
        // Known from before, and not as it is in this boot.
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            logger.NotListed(e.Message);
            return registry.All.FirstOrDefault(record => record.Kind == "controller");
        }
        return null;
    }
}
