using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Operos.Ceph.Facts;
using Operos.Ceph.Monitors;
using Operos.Ceph.Osds;
using Operos.Ceph.Pools;
using Operos.Linux;
using Operos.Linux.Ceph;
using Operos.Linux.Supervision;
using Operos.Linux.Tasks;

namespace Operos.Ceph;

/// <summary>
/// The cluster of Ceph that this controller keeps: its monitor and manager, what they say of it, its OSDs' ids and its pool. Whoever asks
/// this for facts gets what was known last and waits for nobody.
/// </summary>
public sealed class CephMonitor : IDisposable
{
    /// <summary>What is said of a lost store, and since when it is known.</summary>
    private sealed record LostStore(string Text, DateTimeOffset Since);

    private static readonly TimeSpan PauseAfterStep = TimeSpan.FromSeconds(2);

    private readonly MonitorPaths paths;
    private readonly IPAddress address;
    private readonly DaemonHost daemons;
    private readonly TimeProvider time;
    private readonly ILogger<CephMonitor> logger;
    private readonly MonitorClient client;
    private readonly PoolUsers users;
    private readonly ClientFence fence;
    private readonly LaggyGroups laggy;
    private readonly SemaphoreSlim wake = new(0);
    private volatile DaemonSupervisor? monitor, manager;
    private volatile MonitorMap? map;
    private volatile ClusterFacts? facts;
    private volatile string? trouble;
    private volatile LostStore? loss;
    private volatile CephIdentity? cluster;
    private long recoveryRate;
    private int reporters;

    public CephMonitor(MonitorPaths paths, IPAddress address, DaemonHost daemons, TimeProvider time, ILogger<CephMonitor> logger)
    {
        (this.paths, this.address, this.daemons, this.time, this.logger) = (paths, address, daemons, time, logger);
        client = new MonitorClient(paths.ClientConfiguration);
        users = new PoolUsers(client);
        fence = new ClientFence(client, time);
        laggy = new LaggyGroups(client, time, logger);
        Osds = new OsdCommands(client, RequireMonitor, () => wake.Release());
        // Known at once to machines that ask in the first second; what cannot be read is told when it is to run.
        try { map = CephIdentity.Read(paths.Identity) is { StoreMade: not null } known ? MonitorMap.Of(known.Fsid, address) : null; }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { logger.CephNotAsked(e.Message); }
    }

    /// <summary>Where a lost store of the monitor is made anew from; null where nobody can be asked.</summary>
    public IMapSource? Source { get; set; }

    /// <summary>That the monitor's store is lost, and what its making waits for; null where it is not.</summary>
    public string? StoreLoss => loss?.Text;

    /// <summary>When its store was made anew last: who was a client before gets nothing any more. Null where it never was.</summary>
    public DateTimeOffset? Rebuilt => cluster?.Rebuilt;

    /// <summary>Between two looks at the cluster, while nothing is to be done.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Units that are stopped where there is to be no Ceph.</summary>
    public static IReadOnlyList<string> Units => [MonitorDaemons.ManagerUnit, MonitorDaemons.MonitorUnit];

    /// <summary>Null until its identity is read, or made.</summary>
    public MonitorMap? Map => map;

    /// <summary>What was known last; null where nothing ever was.</summary>
    public ClusterFacts? Facts => facts;

    /// <summary>Why the facts are not of now, or the pool is not as it should be; null where neither is so.</summary>
    public string? Trouble => trouble;

    /// <summary>Bytes a second of which copies were made when some were made last; 0 where none ever were since this agent began.</summary>
    public long RecoveryRate => Interlocked.Read(ref recoveryRate);

    /// <summary>What operators do to OSDs.</summary>
    public OsdCommands Osds { get; }

    /// <summary>What an operator must know of the pool.</summary>
    public IEnumerable<string> PoolWarnings => facts is { } known ? PoolPlan.Warnings(known) : [];

    /// <summary>Why no image is to be made now, in words; null where one may be.</summary>
    public string? WhyNoImage => facts is { } known ? PoolPlan.WhyNoImage(known) : "ceph-mon has not answered yet";

    /// <summary>The daemons, and whether they work.</summary>
    public IReadOnlyList<(string Name, (bool Healthy, string Text, DateTimeOffset Since) Status)> Daemons => loss is { } lost
        ? [("ceph-mon", (false, lost.Text, lost.Since))]
        : [.. new[] { ("ceph-mon", monitor), ("ceph-mgr", manager) }.Where(daemon => daemon.Item2 is not null)
            .Select(daemon => (daemon.Item1, daemon.Item2!.Status))];

    private bool MonitorWorks => monitor?.Status.Healthy == true;

    /// <summary>Sets it up where it is not, and keeps it running.</summary>
    /// <exception cref="IOException">It cannot be set up; nothing that was there was changed.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (!File.Exists(paths.MonitorProgram))
            throw new IOException($"this system has no {paths.MonitorProgram}: it was made without Ceph. Next: set "
                + "storage.ceph = false, or use a release with Ceph");
        MakeFolders();
        var rebuild = Source is null ? null : new StoreRebuild(paths, Source, TellLost, logger);
        var identity = await new MonitorStore(paths, time, rebuild).PrepareAsync(address, cancellationToken).ConfigureAwait(false);
        (loss, cluster) = (null, identity);
        var own = MonitorMap.Of(identity.Fsid, address);
        map = own;
        // What keeps the monitor in its place is asked by itself: no other question, however long, makes it look silent.
        using var health = new MonitorClient(paths.ClientConfiguration);
        var units = new MonitorDaemons(paths, identity, $"{address}", own, health);
        units.WriteClient();
        var first = units.Monitor;
        monitor = new DaemonSupervisor(first, daemons.Of(first), logger);
        var second = units.Manager(() => MonitorWorks);
        manager = new DaemonSupervisor(second, daemons.Of(second), logger);
        await TaskGroup.RunAsync(cancellationToken, [new("ceph-mon", monitor.RunAsync), new("ceph-mgr", manager.RunAsync),
            new("watch of Ceph", WatchAsync)]).ConfigureAwait(false);
    }

    /// <summary>The id of the OSD on a partition; the same as often as it is asked with the same key.</summary>
    /// <exception cref="IOException">The monitor does not answer.</exception>
    /// <exception cref="OsdKeyException">It knows the partition with another key.</exception>
    public Task<int> AddOsdAsync(Guid partition, CephKey key, CancellationToken cancellationToken) =>
        AddOsdAsync(partition, key, place: null, cancellationToken);

    /// <summary>The id of the OSD on a partition, in the place of one that was destroyed.</summary>
    /// <param name="place">Its number; null for any that is free.</param>
    /// <exception cref="IOException">The monitor does not answer, or the place is not free.</exception>
    /// <exception cref="OsdKeyException">It knows the partition with another key.</exception>
    public async Task<int> AddOsdAsync(Guid partition, CephKey key, int? place, CancellationToken cancellationToken)
    {
        RequireMonitor();
        var command = new CephCommand("osd new") { Input = Encoding.ASCII.GetBytes($$"""{"cephx_secret":"{{key.Text}}"}""") }
            .With("uuid", $"{partition}");
        if (place is { } wanted) command = command.With("id", wanted);
        JsonElement reply;
        try { reply = await client.AskAsync(command, cancellationToken).ConfigureAwait(false); }
        catch (IOException e) when (e.InnerException is RadosException { Exists: true })
        {
            throw new OsdKeyException($"the OSD on {partition} has another key", e);
        }
        if (reply.Member("osdid").ValueKind != JsonValueKind.Number) throw new IOException("ceph osd new: no id was answered");
        var id = (int)reply.NumberOf("osdid");
        // A second look: a wrong id would have one OSD take another's place.
        if (await FindOsdAsync(partition, cancellationToken).ConfigureAwait(false) != id)
            throw new IOException($"ceph osd new: OSD {id} is not that of {partition}");
        wake.Release();
        return id;
    }

    /// <returns>The id of the OSD on a partition; null where the cluster has none.</returns>
    /// <exception cref="IOException">The monitor does not answer, or is another cluster's.</exception>
    public async Task<int?> FindOsdAsync(Guid partition, CancellationToken cancellationToken)
    {
        RequireMonitor();
        var dump = await client.AskAsync(new CephCommand("osd dump"), cancellationToken).ConfigureAwait(false);
        if (dump.TextOf("fsid") != map?.Fsid.ToString()) throw new IOException("ceph-mon is another cluster's");
        var found = dump.ItemsOf("osds").Where(osd => osd.TextOf("uuid") == partition.ToString()).ToList();
        return found.Count == 1 ? (int)found[0].NumberOf("osd") : null;
    }

    /// <summary>Keeps with the pool what an operator wants of it; what is null stays. It is done to the pool step by step.</summary>
    /// <exception cref="IOException">The monitor does not answer, or there is no pool.</exception>
    public async Task OrderAsync(PoolOrder order, CancellationToken cancellationToken)
    {
        RequireMonitor();
        foreach (var (key, value) in ((string, int?)[])[(PoolOrder.CopiesKey, order.Copies), (PoolOrder.MinSizeKey, order.MinSize)])
            if (value is { } number)
                await client.AskAsync(new CephCommand("osd pool application set").With("pool", PoolPlan.Name).With("app", "rbd")
                    .With("key", key).With("value", $"{number}"), cancellationToken).ConfigureAwait(false);
        wake.Release();
    }

    /// <summary>The images in the pool, over a connection of their own, which who asks closes.</summary>
    public PoolImages OpenImages() => new(paths.ClientConfiguration);

    /// <summary>Lets a machine map images, with a key of its own.</summary>
    /// <returns>As whom, as the kernel has it.</returns>
    /// <exception cref="IOException">The monitor does not answer.</exception>
    public async Task<string> LetInAsync(Guid machine, CephKey key, CancellationToken cancellationToken)
    {
        RequireMonitor();
        await users.LetInAsync(machine, key, cancellationToken).ConfigureAwait(false);
        return PoolUsers.NameOf(machine);
    }

    /// <summary>Shuts a machine out: it opens nothing any more, and what it has open takes nothing from it.</summary>
    /// <param name="addresses">Of its clients, as it told them.</param>
    /// <returns>The map of the OSDs from which on it is.</returns>
    /// <exception cref="IOException">The monitor does not answer.</exception>
    public async Task<long> ShutOutAsync(Guid machine, IReadOnlyList<string> addresses, CancellationToken cancellationToken)
    {
        RequireMonitor();
        // First, or it would come back as another client.
        await users.RemoveAsync(machine, cancellationToken).ConfigureAwait(false);
        return await fence.ShutOutAsync(addresses, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Takes from a machine what it opens images with; what it has open it keeps for as long as its ticket lasts.</summary>
    /// <exception cref="IOException">The monitor does not answer.</exception>
    public Task RemoveUserAsync(Guid machine, CancellationToken cancellationToken)
    {
        RequireMonitor();
        return users.RemoveAsync(machine, cancellationToken);
    }

    /// <summary>Why a machine that was shut out may still write, in words; null where no OSD that is up takes anything from it.</summary>
    /// <exception cref="IOException">The monitor does not answer.</exception>
    public Task<string?> WhyNotInForceAsync(long epoch, CancellationToken cancellationToken)
    {
        RequireMonitor();
        return fence.WhyNotInForceAsync(epoch, cancellationToken);
    }

    /// <summary>Shuts addresses of a machine out anew where that would end.</summary>
    /// <returns>Which.</returns>
    /// <exception cref="IOException">The monitor does not answer.</exception>
    public Task<IReadOnlyList<string>> KeepOutAsync(IReadOnlyList<string> addresses, CancellationToken cancellationToken)
    {
        RequireMonitor();
        return fence.RenewAsync(addresses, cancellationToken);
    }

    /// <summary>Forgets addresses of a machine that were shut out: it booted anew, and none of its clients has them.</summary>
    /// <exception cref="IOException">The monitor does not answer.</exception>
    public Task LetBackAsync(IReadOnlyList<string> addresses, CancellationToken cancellationToken)
    {
        RequireMonitor();
        return fence.LetBackAsync(addresses, cancellationToken);
    }

    public void Dispose()
    {
        client.Dispose();
        wake.Dispose();
    }

    private void TellLost(string what)
    {
        if (loss?.Text != what) logger.StoreLost(what);
        loss = new(what, loss?.Since ?? time.GetUtcNow());
    }

    private void RequireMonitor()
    {
        if (!MonitorWorks) throw new IOException("ceph-mon does not answer");
    }

    private void MakeFolders()
    {
        foreach (var folder in (string[])[paths.State, paths.Run]) Directory.CreateDirectory(folder, FileModes.ReadableFolder);
        foreach (var folder in (string[])[paths.Manager, paths.Sockets])
        {
            Directory.CreateDirectory(folder, FileModes.PrivateFolder);
            if (paths.User is { } user) Ownership.Give(folder, user);
        }
    }

    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var pause = Pause;
            if (!MonitorWorks) pause = PauseAfterStep;
            else
                try
                {
                    var (known, dump) = await LookAsync(cancellationToken).ConfigureAwait(false);
                    facts = known;
                    if (known.RecoveryRate > 0) Interlocked.Exchange(ref recoveryRate, known.RecoveryRate);
                    await KeepAsync(dump, cancellationToken).ConfigureAwait(false);
                    await FollowHostsAsync(known, cancellationToken).ConfigureAwait(false);
                    if (PoolPlan.Next(known) is { } step)
                    {
                        await TakeAsync(step, cancellationToken).ConfigureAwait(false);
                        pause = PauseAfterStep;
                    }
                    await laggy.PassAsync(known, cancellationToken).ConfigureAwait(false);
                    trouble = null;
                }
                // Whatever a worker made of an answer ends no daemon, and is told.
                catch (Exception e) when (!cancellationToken.IsCancellationRequested)
                {
                    if (trouble != e.Message) logger.CephNotAsked(e.Message);
                    trouble = e.Message;
                }
            if (await wake.WaitAsync(pause, cancellationToken).ConfigureAwait(false))
                while (wake.Wait(TimeSpan.Zero)) { }
        }
    }

    /// <returns>Also the answer to <c>osd dump</c>.</returns>
    private async Task<(ClusterFacts Facts, JsonElement Dump)> LookAsync(CancellationToken cancellationToken)
    {
        Task<JsonElement> Ask(string command, bool ofManager = false) => client.AskAsync(new CephCommand(command, ofManager),
            cancellationToken);
        var status = await Ask("status").ConfigureAwait(false);
        var dump = await Ask("osd dump").ConfigureAwait(false);
        var tree = await Ask("osd tree").ConfigureAwait(false);
        var pools = await Ask("df").ConfigureAwait(false);
        var space = manager?.Status.Healthy == true ? await Ask("osd df", ofManager: true).ConfigureAwait(false) : default;
        return (FactsReader.Read(time.GetUtcNow(), status, dump, tree, space, pools), dump);
    }

    /// <summary>For the backup: which OSDs and pools there are, the rules of where copies go, and the monitors.</summary>
    private async Task KeepAsync(JsonElement dump, CancellationToken cancellationToken)
    {
        if (paths.Kept is not { } folder || dump.ValueKind != JsonValueKind.Object) return;
        Directory.CreateDirectory(folder, FileModes.PrivateFolder);
        var (path, map) = (Path.Combine(folder, "osdmap.json"), Encoding.UTF8.GetBytes(dump.GetRawText()));
        if (File.Exists(path) && File.ReadAllBytes(path).AsSpan().SequenceEqual(map)) return;
        foreach (var (command, file) in ((string, string)[])[("osd getcrushmap", "crushmap"), ("mon getmap", "monmap")])
            AtomicFile.WriteIfChanged(Path.Combine(folder, file),
                await client.SendAsync(new CephCommand(command), cancellationToken).ConfigureAwait(false));
        AtomicFile.Write(path, map);
    }

    /// <summary>
    /// With two hosts one alone can tell that the other is gone; with more, one with a bad cable must not tell so of all others.
    /// </summary>
    private async Task FollowHostsAsync(ClusterFacts known, CancellationToken cancellationToken)
    {
        var wanted = known.Osds.Select(osd => osd.Host).OfType<string>().Distinct(StringComparer.Ordinal).Count() > 2 ? 2 : 1;
        if (reporters == wanted) return;
        await client.AskAsync(new CephCommand("config set").With("who", "mon").With("name", "mon_osd_min_down_reporters")
            .With("value", $"{wanted}"), cancellationToken).ConfigureAwait(false);
        reporters = wanted;
    }

    private async Task TakeAsync(PoolStep step, CancellationToken cancellationToken)
    {
        var command = step.Setting switch
        {
            PoolStep.Create => new CephCommand("osd pool create").With("pool", PoolPlan.Name).With("pg_num", step.Value)
                .With("pool_type", "replicated").With("rule", "replicated_rule").With("size", step.Size)
                .With("autoscale_mode", "off"),
            PoolStep.Enable => new CephCommand("osd pool application enable").With("pool", PoolPlan.Name).With("app", "rbd"),
            _ => new CephCommand("osd pool set").With("pool", PoolPlan.Name).With("var", step.Setting).With("val", $"{step.Value}"),
        };
        await client.AskAsync(command, cancellationToken).ConfigureAwait(false);
        logger.PoolChanged(PoolPlan.Name, command.ToString());
    }
}
