using Operos.Authority;
using Operos.Boot;
using Operos.Controller.Audit;
using Operos.Controller.Boot;
using Operos.Controller.Cluster;
using Operos.Controller.Configuration;
using Operos.Controller.Connections;
using Operos.Controller.Dhcp;
using Operos.Controller.Machines;
using Operos.Controller.Operators;
using Operos.Linux.Supervision;
using Operos.Names;
using Operos.Proto;

namespace Operos.Controller.Operations;

/// <summary>Whose lease is which address.</summary>
internal sealed class LeaseListing(MachineRegistry machines, DhcpMode mode, string path) : Reading<ListLeases>("leases")
{
    protected override Message Read(ListLeases input, Caller caller)
    {
        var owners = machines.All.SelectMany(record =>
            record.Inventory.Nics.Where(nic => nic.Mac is not null).Select(nic => (Mac: nic.Mac!, record.Id))).DistinctBy(pair => pair.Mac)
            .ToDictionary(pair => pair.Mac, pair => pair.Id);
        return new LeaseList
        {
            Mode = mode.ToString().ToLowerInvariant(),
            Leases = [.. LeaseFile.Read(path).Select(lease => lease with { MachineId = owners.GetValueOrDefault(lease.Mac) })],
        };
    }
}

/// <summary>The releases that are here, and which of them machines boot.</summary>
internal sealed class ReleaseListing(ReleaseStore releases) : Reading<ListReleases>("releases")
{
    protected override Message Read(ListReleases input, Caller caller) => new ReleaseList
    {
        Releases = [.. releases.Releases.Select(release => new ReleaseSummary
        {
            Version = release.Manifest.Version, CreatedUnixMs = release.Manifest.Created.ToUnixTimeMilliseconds(),
            SizeBytes = release.Manifest.Layers.Sum(layer => layer.Size),
            KernelRelease = release.Manifest.KernelRelease, Current = release == releases.Current, Verification = release.Verification,
        })],
    };
}

/// <summary>What machines fetch.</summary>
internal sealed class BootListing(BootWatch boots, string leases) : Reading<ListBoots>("boots")
{
    protected override Message Read(ListBoots input, Caller caller) =>
        BootViews.List(boots, address => LeaseFile.Read(leases).FirstOrDefault(lease => lease.Address == address)?.Mac);
}

/// <summary>What keeps a machine from being Ready.</summary>
internal sealed class MachineDiagnosis(MachineRegistry machines, MachineViews views, Sessions sessions, KubernetesCluster? cluster)
    : Reading<ExplainMachine>("why")
{
    protected override Message Read(ExplainMachine input, Caller caller)
    {
        var record = machines.Find(input.Machine);
        var explanation = (cluster ?? throw NoKubernetes()).Explain(record, views.Summarise(record).Note, sessions.Get(record.Id),
            views.GoingDown(record));
        return views.LostDisk(record) is { } words ? explanation with { Text = $"{explanation.Text}; it {words.Text}" } : explanation;
    }

    public static RefusedException NoKubernetes() =>
        new(RefusalKind.Conflict, "this cluster runs no Kubernetes", "kubernetes.enabled in controller.toml");
}

/// <summary>A certificate for a client of Kubernetes' API outside the cluster.</summary>
internal sealed class ApiCredentialIssue(KubernetesCluster? cluster)
    : Operation<IssueApiCredentials>("kubeconfig", OperatorRole.Admin)
{
    public override bool GivesPower => true;

    protected override IEnumerable<(string Name, string? Value)> Record(IssueApiCredentials input) =>
        [("user", input.User), ("groups", string.Join(' ', input.Groups ?? [])), ("life-seconds", $"{input.LifeSeconds}")];

    protected override Task<Message> RunAsync(IssueApiCredentials input, Caller caller, CancellationToken cancellationToken)
    {
        return Task.FromResult<Message>((cluster ?? throw MachineDiagnosis.NoKubernetes()).Issue(input));
    }
}

/// <summary>How the controller and all that it runs are.</summary>
internal sealed class ClusterStatus(RackStores stores, NetworkServices services, MachineViews views, KubernetesCluster? cluster,
    CertificateAuthority authority, ControllerContext context) : Reading<ShowStatus>("status")
{
    private readonly DateTimeOffset started = context.Time.GetUtcNow();

    protected override Message Read(ShowStatus input, Caller caller)
    {
        var status = cluster?.Report(Controller(), id => stores.Machines.Get(id)?.Name,
            id => stores.Machines.Get(id) is { } machine ? views.GoingDown(machine) : null, views.BootOf) ?? Controller();
        return status with { Expiring = [.. status.Expiring, .. OperatorListing.Expiring(stores.Operators, context.Time.GetUtcNow())] };
    }

    private StatusReply Controller() => new()
    {
        Version = ControllerSettings.Agent,
        StartedUnixMs = started.ToUnixTimeMilliseconds(),
        Admission = context.Settings.Admission.ToString().ToLowerInvariant(),
        Components =
        [
            .. OwnAddress.IsPresent(context.Settings.Address) ? (ComponentStatus[])[]
                : [Component("address", (false, OwnAddress.Missing(context.Settings.Address), started))],
            Component("dnsmasq", services.Dnsmasq.Status),
            .. services.Dns is not { } dns ? (ComponentStatus[])[]
                : [Component("unbound", dns.ResolverStatus), Component("knot", dns.AuthorityStatus)],
            .. services.Clock is not { } clock ? (ComponentStatus[])[] : [Component("time", clock.Status)],
            .. context.Storage.Daemons.Select(daemon => Component(daemon.Name, daemon.Status)),
            Component("releases", (stores.Releases.Current is not null, stores.Releases.Current is { } current
                ? $"workers boot {current.Manifest.Version}" : "none to boot", started)),
            .. context.Backups is not { } backups ? (ComponentStatus[])[] : [Component("backups", backups.Schedule.Status)],
            .. Records(),
            .. context.Parts.Failing.Select(part => Component(part.Name, (false, part.Text, part.Since))),
            .. stores.Audit.Trouble is not { } trouble ? (ComponentStatus[])[]
                : [Component("audit", (false, $"the audit log cannot be written, the journal has it: {trouble.Text}", trouble.Since))],
        ],
        Alarms = [.. stores.Machines.All.Where(record => MachineViews.Alarm(record) is not null)
            .Select(record => $"{record.Name ?? record.Id}: {MachineViews.Alarm(record)}"),
            .. stores.Machines.All.Select(record => views.LostDisk(record) is { IsForOperator: true } words
                ? $"{record.Name ?? record.Id} {words.Text}" : null).OfType<string>()],
        Clocks = views.Clocks(stores.Machines.All),
        MachinesKnown = stores.Machines.All.Count,
        MachinesWaiting = stores.Machines.All.Count(record => record.Standing is MachineStanding.Pending or MachineStanding.Ambiguous),
        MachinesUp = stores.Machines.All.Select(views.Summarise).Count(machine => machine.State == "up"),
        CaExpiresUnixMs = new DateTimeOffset(authority.Certificate.NotAfter).ToUnixTimeMilliseconds(),
    };

    /// <summary>What of the records on disk cannot be read or written, a line of each; none where all can.</summary>
    private IEnumerable<ComponentStatus> Records()
    {
        IReadOnlyList<string> unreadable =
        [
            .. stores.Machines.Unreadable.Select(record => record.Reason), .. stores.Operators.Unreadable, .. stores.Jobs.Unreadable,
            .. context.Disks.Unreadable, .. context.Storage.Unreadable,
        ];
        if (unreadable is [var first, ..])
            yield return Component("records",
                (false, unreadable.Count == 1 ? first : $"{first} (and {unreadable.Count - 1} more: see the journal)", started));
        if (stores.Machines.Trouble is { } trouble)
            yield return Component("registry", (false, $"what becomes of machines cannot be written down: {trouble.Text}", trouble.Since));
    }

    private static ComponentStatus Component(string name, (bool Healthy, string Text, DateTimeOffset Since) status) =>
        new()
        {
            Name = name, Healthy = status.Healthy, Text = status.Text, SinceUnixMs = status.Since.ToUnixTimeMilliseconds(),
            Starting = !status.Healthy && status.Text == DaemonSupervisor.NotStarted,
        };
}
