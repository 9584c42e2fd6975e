using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using Operos.Linux;
using Operos.Linux.Tasks;

namespace Operos.Names;

/// <summary>
/// knotd and what it serves: it starts with zone files of the cluster as it is, and is brought along by updates of just what
/// changed. A knotd that died, or that no longer takes updates, starts again with new files, so that nothing is lost on the way.
/// </summary>
internal sealed class AuthoritativeServer
{
    /// <summary>An address and a port of its own: only root can take it, and systemd-resolved has others.</summary>
    public static readonly IPEndPoint Endpoint = new(IPAddress.Parse("127.0.53.1"), 53);

    /// <summary>unix(7): 108 with the zero byte.</summary>
    private const int LongestSocketPath = 107;

    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(50), Again = TimeSpan.FromMilliseconds(200),
        Patience = TimeSpan.FromSeconds(10);
    private readonly ZonePlan plan;
    private readonly ClusterNames names;
    private readonly TransactionKey key = new();
    private readonly UpdateClient client;
    private readonly DnsDaemon daemon;
    private readonly string folder;
    private readonly ILogger logger;
    // Held while what is served changes: by a start, or by an update.
    private readonly SemaphoreSlim gate = new(1);
    private readonly SemaphoreSlim wake = new(0, 1);
    private IReadOnlyDictionary<string, HashSet<ResourceRecord>> served = new Dictionary<string, HashSet<ResourceRecord>>();
    private (string Problem, DateTimeOffset Since)? failing;

    /// <param name="open">Makes a socket where the daemon runs.</param>
    public AuthoritativeServer(ZonePlan plan, ClusterNames names, string program, string folder, TimeProvider time,
        Func<SocketType, Socket> open, ILogger logger)
    {
        (this.plan, this.names, this.folder, this.logger) = (plan, names, folder, logger);
        client = new UpdateClient(Endpoint, key, time, open);
        daemon = new DnsDaemon("knot", program, PrepareAsync, new DnsProbe(Endpoint, open), logger);
    }

    public (bool Healthy, string Text, DateTimeOffset Since) Status =>
        failing is var (problem, since) ? (false, problem, since) : daemon.Status is { Healthy: true } status
            ? status with { Text = $"{served.Values.Sum(zone => zone.Count)} records" } : daemon.Status;

    public int? ProcessId => daemon.ProcessId;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        names.Changed += Wake;
        try
        {
            await TaskGroup.RunAsync(cancellationToken, new("daemon", daemon.RunAsync), new("updates", PublishAsync)).ConfigureAwait(false);
        }
        finally { names.Changed -= Wake; }
    }

    private void Wake()
    {
        // Full means that a change waits already, and this one goes with it.
        try { wake.Release(); }
        catch (SemaphoreFullException) { }
    }

    private async Task<IReadOnlyList<string>> PrepareAsync(CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // knotd would end with code 0 and its reason somewhere in its log.
            var socket = Path.Combine(folder, "knot.sock");
            if (Encoding.UTF8.GetByteCount(socket) > LongestSocketPath)
                throw new IOException(
                $"{socket} is longer than the {LongestSocketPath} bytes of a socket's path; give --run a shorter folder");
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
            Directory.CreateDirectory(folder,
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
                    | UnixFileMode.GroupRead | UnixFileMode.GroupExecute);
            Ownership.Give(folder, KnotConfiguration.User);
            var current = ClusterRecords.Write(names.Snapshot, plan);
            foreach (var (zone, records) in current)
                await File.WriteAllTextAsync(Path.Combine(folder, zone + ".zone"), ZoneFile.Write(zone, plan.ServerName, records),
                cancellationToken).ConfigureAwait(false);
            // Read by root before it becomes the daemon's user; the key is nobody else's.
            var configuration = Path.Combine(folder, "knot.conf");
            AtomicFile.Write(configuration, Encoding.ASCII.GetBytes(KnotConfiguration.Write(plan, Endpoint, key, folder)));
            served = current;
            return ["--config", configuration];
        }
        finally { gate.Release(); }
    }

    private async Task PublishAsync(CancellationToken cancellationToken)
    {
        var failures = Stopwatch.StartNew();
        while (true)
        {
            await wake.WaitAsync(cancellationToken).ConfigureAwait(false);
            var problem = await UpdateAsync(cancellationToken).ConfigureAwait(false);
            if (problem is null)
            {
                if (failing is not null) logger.TakesUpdatesAgain();
                failing = null;
                // Changes come in bursts: those of the next moment go together.
                await Task.Delay(Gathering, cancellationToken).ConfigureAwait(false);
                continue;
            }
            // While it starts there is nobody to take it, and what it starts with holds the change.
            if (failing is null)
            {
                logger.UpdateFailed(problem);
                failing = (problem, DateTimeOffset.UtcNow);
                failures.Restart();
            }
            if (failures.Elapsed > Patience)
            {
                daemon.Restart();
                failures.Restart();
            }
            await Task.Delay(Again, cancellationToken).ConfigureAwait(false);
            Wake();
        }
    }

    /// <summary>Brings what is served to what is; answers why not.</summary>
    private async Task<string?> UpdateAsync(CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var next = ClusterRecords.Write(names.Snapshot, plan);
            foreach (var zone in plan.Zones)
                await client.SendAsync(zone, served[zone].Except(next[zone]), next[zone].Except(served[zone]),
                    cancellationToken).ConfigureAwait(false);
            served = next;
            return null;
        }
        catch (Exception e) when (e is SocketException or DnsUpdateException) { return e.Message; }
        finally { gate.Release(); }
    }
}
