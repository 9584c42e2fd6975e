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
/// this one left running keeps what it serves until all names are known, and then reads new files. Its files follow what it serves, so
/// that one that systemd starts again while no agent is there has the names of a moment before.
/// </summary>
internal sealed class AuthoritativeServer
{
    /// <summary>An address and a port of its own: only root can take it, and systemd-resolved has others.</summary>
    public static readonly IPEndPoint Endpoint = new(IPAddress.Parse("127.0.53.1"), 53);

    public const string Unit = "operos-knot";
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(50), Again = TimeSpan.FromMilliseconds(200),
        Patience = TimeSpan.FromSeconds(10), LongestRead = TimeSpan.FromSeconds(60), BetweenFiles = TimeSpan.FromSeconds(5);
    private const int MostTold = 20;
    private readonly ZonePlan plan;
    private readonly ClusterNames names;
    private readonly UpdateClient client;
    private readonly ZoneSerial serials;
    private readonly AuthorityFiles files;
    private readonly DnsProbe probe;
    private readonly ZoneWatch zones;
    private readonly DaemonSupervisor daemon;
    private readonly ILogger logger;
    // Held while what is served changes: by a start, or by an update.
    private readonly SemaphoreSlim servedLock = new(1);
    private readonly SemaphoreSlim wake = new(0, 1);
    // Null while it serves what another agent told it.
    private IReadOnlyDictionary<string, HashSet<ResourceRecord>>? served;
    // Names that cannot be served, and why.
    private volatile IReadOnlyDictionary<string, string> leftOut = new Dictionary<string, string>();
    // The zones' serial number in its files, which it may not have read yet, and what they hold.
    private uint serial;
    private bool unread;
    private IReadOnlyDictionary<string, HashSet<ResourceRecord>>? written;
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
        probe = new DnsProbe(Endpoint, open);
        zones = new ZoneWatch(plan, serials, time, logger);
        files = new AuthorityFiles(plan, key, Endpoint, folder);
        var described = new Daemon
        {
            Name = "knot", Unit = Unit, Package = "knot", Program = program, Arguments = ["--config", files.Configuration],
            PrepareAsync = PrepareAsync, Health = new HealthCheck { AskAsync = AskAsync },
        };
        daemon = new DaemonSupervisor(described, (host ?? DaemonHost.Children(logger)).Of(described), logger);
    }

    public (bool Healthy, string Text, DateTimeOffset Since) Status
    {
        get
        {
            var status = daemon.Status;
            if (status.Healthy && zones.Problem is var (text, missing)) return (false, text, missing);
            if (failing is var (problem, since)) return (false, problem, since);
            return status.Healthy ? status with { Text = Describe() } : status;
        }
    }

    public int? ProcessId => daemon.ProcessId;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        names.Changed += Wake;
        try
        {
            await TaskGroup.RunAsync(cancellationToken, new("daemon", daemon.RunAsync), new("updates", PublishAsync),
                new("zone files", KeepFilesAsync)).ConfigureAwait(false);
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
            var current = Records();
            serial = (uint)Random.Shared.Next(1, int.MaxValue);
            var change = files.Write(current, serial, runs);
            (served, written, unread) = (current, current, true);
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
            var reads = unread;
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
            if (await UnreadZoneAsync(cancellationToken).ConfigureAwait(false) is { } zoneToRead)
                return $"has not read the zone {zoneToRead} yet";
            var next = Records();
            foreach (var zone in plan.Zones)
                await client.SendAsync(zone, before[zone].Except(next[zone]), next[zone].Except(before[zone]),
                    cancellationToken).ConfigureAwait(false);
            served = next;
            return null;
        }
        catch (Exception e) when (e is SocketException or DnsUpdateException) { return e.Message; }
        finally { servedLock.Release(); }
    }

    /// <summary>A zone that it has yet to read from its file, by which an update would be lost; null where there is none.</summary>
    private async Task<string?> UnreadZoneAsync(CancellationToken cancellationToken)
    {
        if (!unread) return null;
        foreach (var zone in plan.Zones)
            if (await serials.AskAsync(zone, cancellationToken).ConfigureAwait(false) != serial) return zone;
        unread = false;
        return null;
    }

    /// <summary>Brings its files to what it serves: whoever starts it again, it begins with that.</summary>
    private async Task KeepFilesAsync(CancellationToken cancellationToken)
    {
        string? told = null;
        while (true)
        {
            await Task.Delay(BetweenFiles, cancellationToken).ConfigureAwait(false);
            await servedLock.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                if (served is not { } current || unread || ReferenceEquals(served, written)) continue;
                files.WriteZones(current, serial);
                (written, told) = (current, null);
            }
            // The next start writes them anew, and says so if it cannot.
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or LinuxException)
            {
                if (told != e.Message) logger.ZoneFilesNotKept(e.Message);
                told = e.Message;
            }
            finally { servedLock.Release(); }
        }
    }

    private async Task<string?> AskAsync(CancellationToken cancellationToken)
    {
        if (await probe.AskAsync(cancellationToken).ConfigureAwait(false) is { } problem) return problem;
        if (await zones.LookAsync(cancellationToken).ConfigureAwait(false)) daemon.Restart();
        return null;
    }

    private string Describe()
    {
        if (served is not { } all) return "the names of before: the API server has not told all yet";
        var text = $"{all.Values.Sum(zone => zone.Count)} records";
        if (!names.IsComplete) text += "; the API server has not told all names yet";
        return leftOut is { Count: > 0 } left
            ? $"{text}; left out, for they cannot be served: {left.Count}, such as {Words(left.First())}" : text;
    }

    /// <summary>What is to be served now; a name that newly cannot be is told once.</summary>
    private IReadOnlyDictionary<string, HashSet<ResourceRecord>> Records()
    {
        var records = ClusterRecords.Write(names.Snapshot, plan, out var left);
        foreach (var name in left.Where(name => !leftOut.ContainsKey(name.Key)).Take(MostTold)) logger.NameLeftOut(Words(name));
        leftOut = left;
        return records;
    }

    private static string Words(KeyValuePair<string, string> leftOut) => $"{leftOut.Key}: {leftOut.Value}";
}
