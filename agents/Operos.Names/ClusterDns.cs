using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using Operos.Linux;
using Operos.Linux.Supervision;
using Operos.Linux.Tasks;

namespace Operos.Names;

/// <summary>
/// Names of the cluster and its machines, served on the controller's address: unbound takes the questions, knotd has the
/// answers. Each may die and start again alone.
/// </summary>
public sealed class ClusterDns
{
    /// <summary>The daemons' units.</summary>
    public static readonly IReadOnlyList<string> Units = [ResolverUnit, AuthoritativeServer.Unit];

    private const string ResolverUnit = "operos-unbound";
    private readonly ZonePlan plan;
    private readonly IReadOnlyList<IPNetwork> clients;
    private readonly string folder;
    private readonly AuthoritativeServer authority;
    private readonly DaemonSupervisor resolver;
    private readonly KeptNamesFile kept;
    private readonly UpstreamWatch upstream;
    private readonly string secretName;

    /// <param name="open">Makes a socket where the daemons run; null for this process's own network namespace.</param>
    /// <param name="host">Where the daemons run; children of this process where it is not given.</param>
    public ClusterDns(NameServerSettings settings, ClusterNames names, TimeProvider time, ILogger<ClusterDns> logger,
        Func<SocketType, Socket>? open = null, DaemonHost? host = null)
    {
        folder = settings.Folder;
        clients = [settings.Machines, settings.Pods];
        plan = new ZonePlan(settings.ClusterDomain, settings.MachinesDomain, settings.Address,
            [settings.Machines, settings.Pods, settings.Services]);
        open ??= type => new Socket(AddressFamily.InterNetwork, type, ProtocolType.Unspecified);
        host ??= DaemonHost.Children(logger);
        secretName = SecretName.Of(settings.State);
        upstream = new UpstreamWatch(() => Upstream.Find(settings.Upstream, settings.MachinesServers, Ourselves(settings)), secretName,
            open, logger);
        kept = new KeptNamesFile(settings.State, names, logger);
        kept.Load();
        authority = new AuthoritativeServer(plan, names, settings.KnotProgram, Path.Combine(folder, "authority"), time, open, logger,
            host);
        var unbound = new Daemon
        {
            Name = "unbound", Unit = ResolverUnit, Package = "unbound", Program = settings.UnboundProgram,
            Arguments = ["-d", "-c", Configuration], PrepareAsync = PrepareResolver,
            Health = new HealthCheck { AskAsync = new DnsProbe(new IPEndPoint(settings.Address, 53), open).AskAsync },
        };
        resolver = new DaemonSupervisor(unbound, host.Of(unbound), logger);
    }

    public (bool Healthy, string Text, DateTimeOffset Since) AuthorityStatus => authority.Status;

    public (bool Healthy, string Text, DateTimeOffset Since) ResolverStatus
    {
        get
        {
            if (resolver.Status is not { Healthy: true } status) return resolver.Status;
            return upstream.Status is { Healthy: false } ailing ? ailing : status with { Text = upstream.Status.Text };
        }
    }

    public int? AuthorityProcess => authority.ProcessId;
    public int? ResolverProcess => resolver.ProcessId;

    public Task RunAsync(CancellationToken cancellationToken) => TaskGroup.RunAsync(cancellationToken,
        new("knot", authority.RunAsync), new("unbound", resolver.RunAsync), new("upstream", WatchUpstreamAsync),
        new("kept names", kept.RunAsync));

    private string Configuration => Path.Combine(folder, "unbound.conf");

    /// <summary>It reads its configuration before it becomes its own user: a change needs another start.</summary>
    private Task<DaemonChange> PrepareResolver(bool runs, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        upstream.Find();
        var changed = AtomicFile.WriteIfChanged(Configuration, Encoding.ASCII.GetBytes(
            UnboundConfiguration.Write(plan, AuthoritativeServer.Endpoint, clients, upstream.Asked, secretName, folder)));
        return Task.FromResult(changed ? DaemonChange.Restart : DaemonChange.None);
    }

    /// <summary>The machine's own servers may be known only once its network is up, and may change.</summary>
    private async Task WatchUpstreamAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(UpstreamWatch.Pause, cancellationToken).ConfigureAwait(false);
            if (await upstream.LookAsync(cancellationToken).ConfigureAwait(false)) resolver.Prepare();
        }
    }

    private static IReadOnlyList<IPAddress> Ourselves(NameServerSettings settings) =>
        [settings.Address, AuthoritativeServer.Endpoint.Address, .. settings.ServiceAddress is { } service ? [service] : (IPAddress[])[]];
}
