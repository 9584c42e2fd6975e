using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using Operos.Linux;
using Operos.Linux.Supervision;
using Operos.Linux.Tasks;

namespace Operos.Names;

/// <summary>
/// knotd and what it serves: it has zone files of the cluster as it is, and is brought along by updates of just what changed. A knotd
/// that died, or that no longer takes updates, starts again with new files, so that nothing is lost on the way. One that an agent before
/// this one left running keeps what it serves until all names are known, and then reads new files.
/// </summary>
internal sealed class AuthoritativeServer
{
    /// <summary>An address and a port of its own: only root can take it, and systemd-resolved has others.</summary>
    public static readonly IPEndPoint Endpoint = new(IPAddress.Parse("127.0.53.1"), 53);

    public const string Unit = "operos-knot";
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(50), Again = TimeSpan.FromMilliseconds(200),
        Patience = TimeSpan.FromSeconds(10), LongestRead = TimeSpan.FromSeconds(60);
    private readonly ZonePlan plan;
    private readonly ClusterNames names;
    private readonly UpdateClient client;
    private readonly ZoneSerial serials;
    private readonly AuthorityFiles files;
    private readonly DaemonSupervisor daemon;
    private readonly ILogger logger;
    // Held while what is served changes: by a start, or by an update.
    private readonly SemaphoreSlim servedLock = new(1);
    private readonly SemaphoreSlim wake = new(0, 1);
    // Null while it serves what another agent told it.
    private IReadOnlyDictionary<string, HashSet<ResourceRecord>>? served;
    // The zones' serial number in files that it may not have read yet; null once it has.
    private uint? unread;
    private (string Problem, DateTimeOffset Since)? failing;

    /// <param name="open">Makes a socket where the daemon runs.</param>
    /// <param name="host">Where the daemon runs; a child of this process where it is not given.</param>
    public AuthoritativeServer(ZonePlan plan, ClusterNames names, string program, string folder, TimeProvider time,
        Func<SocketType, Socket> open, ILogger logger, DaemonHost? host = null)
    {
        (this.plan, this.names, this.logger) = (plan, names, logger);
        var key = new TransactionKey();
        client = new UpdateClient(Endpoint, key, time, open);
        serials = new ZoneSerial(Endpoint, open);
        files = new AuthorityFiles(plan, key, Endpoint, folder);
        var described = new Daemon
        {
            Name = "knot", Unit = Unit, Package = "knot", Program = program, Arguments = ["--config", files.Configuration],
            PrepareAsync = PrepareAsync, Health = new HealthCheck { AskAsync = new DnsProbe(Endpoint, open).AskAsync },
        };
        daemon = new DaemonSupervisor(described, (host ?? DaemonHost.Children(logger)).Of(described), logger);
    }

    public (bool Healthy, string Text, DateTimeOffset Since) Status =>
        failing is var (problem, since) ? (false, problem, since) : daemon.Status is { Healthy: true } status
            ? status with { Text = served is { } all ? $"{all.Values.Sum(zone => zone.Count)} records"
                : "the names of before: the API server has not told all yet" } : daemon.Status;

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

    private async Task<DaemonChange> PrepareAsync(bool runs, CancellationToken cancellationToken)
    {
        await servedLock.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // What it serves is more than an agent knows that has just begun.
            if (runs && served is null && !names.IsComplete) return DaemonChange.None;
            var current = ClusterRecords.Write(names.Snapshot, plan);
            var serial = (uint)Random.Shared.Next(1, int.MaxValue);
            var change = files.Write(current, serial, runs);
            (served, unread) = (current, serial);
            // What changes from here on waits until it has read them.
            Wake();
            return change;
        }
        finally { servedLock.Release(); }
    }

    private async Task PublishAsync(CancellationToken cancellationToken)
    {
        Stopwatch? failures = null;
        while (true)
        {
            await wake.WaitAsync(cancellationToken).ConfigureAwait(false);
            var problem = await UpdateAsync(cancellationToken).ConfigureAwait(false);
            if (problem is null)
            {
                if (failing is not null) logger.TakesUpdatesAgain();
                (failing, failures) = (null, null);
                // Changes come in bursts: those of the next moment go together.
                await Task.Delay(Gathering, cancellationToken).ConfigureAwait(false);
                continue;
            }
            failures ??= Stopwatch.StartNew();
            // One that starts takes its time to read its zones, and what it reads holds the change.
            var reads = unread is not null;
            if (failing is null && (!reads || failures.Elapsed > Patience))
            {
                logger.UpdateFailed(problem);
                failing = (problem, DateTimeOffset.UtcNow);
            }
            if (failures.Elapsed > (reads ? LongestRead : Patience))
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
        await servedLock.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (served is not { } before)
            {
                // One that starts is given all names at once; to one that was there already they are given when all are known.
                if (names.IsComplete) daemon.Prepare();
                return null;
            }
            if (await IsUnreadAsync(cancellationToken).ConfigureAwait(false)) return "has not read its zones yet";
            var next = ClusterRecords.Write(names.Snapshot, plan);
            foreach (var zone in plan.Zones)
                await client.SendAsync(zone, before[zone].Except(next[zone]), next[zone].Except(before[zone]),
                    cancellationToken).ConfigureAwait(false);
            served = next;
            return null;
        }
        catch (Exception e) when (e is SocketException or DnsUpdateException) { return e.Message; }
        finally { servedLock.Release(); }
    }

    /// <summary>An update of a zone that is about to be replaced by its file would be lost.</summary>
    private async Task<bool> IsUnreadAsync(CancellationToken cancellationToken)
    {
        if (unread is not { } serial) return false;
        foreach (var zone in plan.Zones)
            if (await serials.AskAsync(zone, cancellationToken).ConfigureAwait(false) != serial) return true;
        unread = null;
        return false;
    }
}
