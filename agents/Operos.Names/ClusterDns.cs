using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using Operos.Linux;
using Operos.Linux.Tasks;

namespace Operos.Names;

/// <summary>
/// Names of the cluster and its machines, served on the controller's address: unbound takes the questions, knotd has the
/// answers. Each may die and start again alone.
/// </summary>
public sealed class ClusterDns
{
    private static readonly TimeSpan UpstreamCheck = TimeSpan.FromSeconds(10);
    private readonly NameServerSettings settings;
    private readonly ZonePlan plan;
    private readonly IReadOnlyList<IPNetwork> clients;
    private readonly string folder;
    private readonly AuthoritativeServer authority;
    private readonly DnsDaemon resolver;
    private readonly ILogger<ClusterDns> logger;
    private IReadOnlyList<IPAddress> upstream = [];

    /// <param name="open">Makes a socket where the daemons run; null for this process's own network namespace.</param>
    public ClusterDns(NameServerSettings settings, ClusterNames names, TimeProvider time, ILogger<ClusterDns> logger,
        Func<SocketType, Socket>? open = null)
    {
        (this.settings, this.logger) = (settings, logger);
        folder = settings.Folder;
        clients = [settings.Machines, settings.Pods];
        plan = new ZonePlan(settings.ClusterDomain, settings.MachinesDomain, settings.Address,
            [settings.Machines, settings.Pods, settings.Services]);
        open ??= type => new Socket(AddressFamily.InterNetwork, type, ProtocolType.Unspecified);
        authority = new AuthoritativeServer(plan, names, settings.KnotProgram, Path.Combine(folder, "authority"), time, open, logger);
        resolver = new DnsDaemon("unbound", settings.UnboundProgram, PrepareResolver,
            new DnsProbe(new IPEndPoint(settings.Address, 53), open), logger);
    }

    public (bool Healthy, string Text, DateTimeOffset Since) AuthorityStatus => authority.Status;

    public (bool Healthy, string Text, DateTimeOffset Since) ResolverStatus =>
        resolver.Status is { Healthy: true } status ? status with { Text = upstream.Count == 0
            ? "the cluster's names only" : $"others from {string.Join(", ", upstream)}" } : resolver.Status;

    public int? AuthorityProcess => authority.ProcessId;
    public int? ResolverProcess => resolver.ProcessId;

    public Task RunAsync(CancellationToken cancellationToken) => TaskGroup.RunAsync(cancellationToken,
        new("knot", authority.RunAsync), new("unbound", resolver.RunAsync), new("upstream", WatchUpstreamAsync));

    private Task<IReadOnlyList<string>> PrepareResolver(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        var configuration = Path.Combine(folder, "unbound.conf");
        upstream = FindUpstream();
        AtomicFile.Write(configuration, Encoding.ASCII.GetBytes(
            UnboundConfiguration.Write(plan, AuthoritativeServer.Endpoint, clients, upstream, folder)));
        return Task.FromResult<IReadOnlyList<string>>(["-d", "-c", configuration]);
    }

    /// <summary>The machine's own servers may be known only once its network is up, and may change.</summary>
    private async Task WatchUpstreamAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(UpstreamCheck, cancellationToken).ConfigureAwait(false);
            var now = FindUpstream();
            if (now.SequenceEqual(upstream)) continue;
            logger.UpstreamChanged(string.Join(", ", now));
            resolver.Restart();
        }
    }

    private IReadOnlyList<IPAddress> FindUpstream() => Upstream.Find(settings.Upstream, settings.MachinesServers, settings.Address);
}
