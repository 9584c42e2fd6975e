using System.Globalization;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Operos.Ceph;
using Operos.Ceph.Osds;
using Operos.Linux.Supervision;
using Operos.Proto;
using Operos.Proto.Connection;
using Operos.Storage.Looks;
using Operos.Storage.Work;
using Operos.Worker.Disks;
using Operos.Worker.Node;

namespace Operos.Worker.Osds;

/// <summary>
/// The OSDs of this machine: one for each partition that the last look at the disks found, all side by side, so that a bad one keeps no
/// other from its work. None is begun where the controller says nothing of Ceph. They live on when this agent ends, and when the controller
/// says nothing any more: it may have lost its settings, and data is on them. They end with their disk.
/// </summary>
internal sealed class OsdKeeper : BackgroundService
{
    private const string RackLabel = "rack";
    /// <summary>What could not be stopped is stopped again after so long.</summary>
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(10);

    /// <summary>What the controller said last, and the last time of Ceph.</summary>
    private sealed record Said(Guid Machine, string? Rack, MonitorMap? Map);

    private sealed record Running(OsdDaemon Daemon, Task Task, CancellationTokenSource Stop);

    private readonly SemaphoreSlim news = new(0), turn = new(1);
    private readonly Dictionary<Guid, Running> running = [];
    private readonly DiskBoard board;
    private readonly OsdTools tools;
    private readonly OsdMapTool mapTool;
    private readonly ILogger logger;
    private volatile ControlConnection? controller;
    private volatile Said? said;
    /// <summary>Null until the disks were looked at.</summary>
    private volatile IReadOnlyList<OsdTarget>? targets;
    private volatile int planned;
    private volatile IReadOnlyList<OsdDaemon> shown = [];

    public OsdKeeper(DiskBoard board, DaemonHost host, ILogger<OsdKeeper> logger)
        : this(board, host, new OsdPaths(), null, logger)
    {
    }

    /// <summary>The maps of the cluster that they have, for a controller that lost them.</summary>
    public MapOffers Maps { get; }

    /// <param name="grantOf">Gives number and key in the controller's place, for a test.</param>
    internal OsdKeeper(DiskBoard board, DaemonHost host, OsdPaths paths, Func<OsdTarget, CancellationToken, Task<OsdGrantedKey>>? grantOf,
        ILogger logger)
    {
        (this.board, this.logger) = (board, logger);
        tools = new OsdTools(host, paths, grantOf ?? AskAsync, Place, TimeProvider.System, logger);
        mapTool = new OsdMapTool(paths, host.AreUnits);
        Maps = new MapOffers(this, paths, mapTool, TimeProvider.System, logger);
        board.OsdsFound += Take;
        board.EndUseAsync = ReleaseAsync;
    }

    /// <summary>How they stand, for who reports it.</summary>
    public IReadOnlyList<OsdState> States => [.. shown.Take(OsdState.Most).Select(daemon => daemon.State)];

    /// <summary>The partitions for OSDs that the last look at the disks found; null before one.</summary>
    public IReadOnlyList<OsdTarget>? Targets => targets;

    /// <summary>The number of an OSD that runs; null for one that does not.</summary>
    public int? RunningAs(Guid osd) =>
        shown.FirstOrDefault(daemon => daemon.Target.Id == osd)?.State is { IsRunning: true } state ? state.Id : null;

    /// <summary>Ends an OSD, does something with its partition, and begins it again.</summary>
    /// <exception cref="IOException">There is none, or it does not end, or what is done fails.</exception>
    public async Task<T> RestAsync<T>(Guid osd, Func<OsdTarget, OsdPlace, CancellationToken, Task<T>> workAsync,
        CancellationToken cancellationToken)
    {
        using var alone = await Turn.TakeAsync(turn, cancellationToken).ConfigureAwait(false);
        var target = targets?.FirstOrDefault(target => target.Id == osd) ?? throw new StorageException($"there is no OSD {osd} here");
        try
        {
            await EndAsync(one => one.Daemon.Target.Id == osd, known => known.Osd == osd, cancellationToken).ConfigureAwait(false);
            return await workAsync(target, Place(), cancellationToken).ConfigureAwait(false);
        }
        finally { Begin(targets ?? []); }
    }

    /// <summary>What the controller answered to a heartbeat.</summary>
    public void Follow(ControlConnection connection, NodeConfiguration configuration)
    {
        controller = connection;
        Follow(configuration);
    }

    internal void Follow(NodeConfiguration configuration)
    {
        if (!Guid.TryParse(configuration.Hostname, out var machine) || configuration.Storage is not { } storage) return;
        var map = storage.Ceph is { } ceph && Guid.TryParse(ceph.Fsid, out var fsid) ? MonitorMap.Read(fsid, ceph.Monitors) : null;
        map ??= said?.Map;
        var isNews = said?.Map?.Fsid != map?.Fsid;
        said = new(machine, configuration.Labels.GetValueOrDefault(RackLabel), map);
        ReckonMemory();
        if (isNews) news.Release();
    }

    /// <summary>Which partitions are this machine's, after a look at its disks. Until the next one nobody else has the turn.</summary>
    /// <param name="more">How many are to be made yet, which take their part of the memory.</param>
    private void Take(IReadOnlyList<OsdTarget> found, int more)
    {
        (targets, planned) = (found, more);
        ReckonMemory();
        news.Release();
    }

    /// <summary>
    /// Stops what runs on a disk, and starts nothing there until the disks were looked at again; also what an agent before this one began,
    /// whatever is known of disks and of Ceph by now.
    /// </summary>
    /// <param name="name">The kernel's, such as <c>sda</c>.</param>
    /// <exception cref="IOException">One does not end.</exception>
    private async Task ReleaseAsync(string name, CancellationToken cancellationToken)
    {
        var disk = new DiskFacts { Name = name }.Path;
        targets = targets?.Where(target => target.Disk.Path != disk).ToList();
        using var alone = await Turn.TakeAsync(turn, cancellationToken).ConfigureAwait(false);
        await EndAsync(one => one.Daemon.Target.Disk.Path == disk, known => known.Disk == disk, cancellationToken).ConfigureAwait(false);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            try { await mapTool.ClearAsync(stoppingToken).ConfigureAwait(false); }
            catch (IOException e) { logger.OsdsNotKept(e.Message); }
            for (var failed = false; ; )
            {
                await news.WaitAsync(failed ? Again : Timeout.InfiniteTimeSpan, stoppingToken).ConfigureAwait(false);
                failed = !await TryAsync(stoppingToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { }
        finally
        {
            foreach (var one in running.Values) await one.Stop.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(running.Values.Select(one => one.Task)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Begins OSDs that are to be, and ends those that are not.</summary>
    private async Task<bool> TryAsync(CancellationToken cancellationToken)
    {
        using var alone = await Turn.TakeAsync(turn, cancellationToken).ConfigureAwait(false);
        if (targets is not { } wanted) return true;
        try
        {
            // One that does not end keeps no other from its start.
            Begin(wanted);
            await EndAsync(one => !wanted.Any(one.Daemon.Target.IsSame), known => !wanted.Any(target => target.Id == known.Osd),
                cancellationToken).ConfigureAwait(false);
            Begin(wanted);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            logger.OsdsNotKept(e.Message);
            return false;
        }
    }

    private void Begin(IReadOnlyList<OsdTarget> wanted)
    {
        if (said?.Map is null) return;
        foreach (var target in wanted.Where(target => !running.ContainsKey(target.Id)))
        {
            var (daemon, stop) = (new OsdDaemon(target, tools), new CancellationTokenSource());
            running[target.Id] = new(daemon, Task.Run(() => daemon.RunAsync(stop.Token), CancellationToken.None), stop);
        }
        Show();
    }

    /// <summary>
    /// Ends some of the OSDs, all at once; and of those that only an agent before this one knew. What did not end in time is of an agent
    /// before from then on.
    /// </summary>
    private async Task EndAsync(Func<Running, bool> isOver, Func<KnownOsd, bool> isLeft, CancellationToken cancellationToken)
    {
        var over = running.Values.Where(isOver).ToList();
        var held = running.Values.Select(one => one.Daemon.State.Id).ToHashSet();
        var left = new OsdFiles(tools.Paths).Known().Where(known => !held.Contains(known.Id) && isLeft(known));
        var ends = over.Select(one => EndAsync(one, cancellationToken))
            .Concat(left.Select(known => OsdDaemon.StopAsync(tools, known.Id, null, cancellationToken))).ToList();
        try { await Task.WhenAll(ends).ConfigureAwait(false); }
        finally
        {
            foreach (var one in over) running.Remove(one.Daemon.Target.Id);
            Show();
        }
    }

    private static async Task EndAsync(Running one, CancellationToken cancellationToken)
    {
        await one.Stop.CancelAsync().ConfigureAwait(false);
        await one.Task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        one.Stop.Dispose();
        await one.Daemon.StopAsync(cancellationToken).ConfigureAwait(false);
    }

    private void Show() => shown = [.. running.Values.Select(one => one.Daemon)];

    private void ReckonMemory() =>
        board.OsdMemory = said?.Map is null ? 0 : Count * Memory().Bytes;

    /// <summary>How many OSDs this machine has, or is to have.</summary>
    private int Count => (targets?.Count ?? 0) + planned;

    private OsdMemory Memory() => OsdMemory.Of(NodeVitals.ReadMemory("MemTotal"), Count);

    private async Task<OsdGrantedKey> AskAsync(OsdTarget target, CancellationToken cancellationToken)
    {
        if (controller is not { } connection)
            throw new StorageException("the controller is not connected, which gives an OSD its number and key");
        var grant = await connection.CallAsync<OsdGrant>(new OsdRequest
        {
            Disk = $"{target.DiskId}", Partition = $"{target.Id}", Bytes = target.Partition.Bytes, Rotational = target.IsRotational,
        }, cancellationToken).ConfigureAwait(false);
        return grant.Id >= 0 && CephKey.Parse(grant.Key) is { } key ? new OsdGrantedKey(grant.Id, key)
            : throw new StorageException(string.Create(CultureInfo.InvariantCulture,
                $"the controller gave the number {grant.Id} with a key that is none"));
    }

    private OsdPlace Place()
    {
        if (said is not { Map: { } map } now) throw new StorageException("the controller says nothing of Ceph");
        return new OsdPlace(map, now.Machine, now.Rack, Memory());
    }
}
