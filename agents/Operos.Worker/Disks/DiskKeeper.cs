using System.Diagnostics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Operos.Node;
using Operos.Proto;
using Operos.Proto.Connection;
using Operos.Storage.Work;
using Operos.Worker.Configuration;

namespace Operos.Worker.Disks;

/// <summary>
/// Puts this machine's disks to use once the controller said how, and again whenever one comes, goes or fails. Only a machine of its own
/// does: in a container, and for a machine that is simulated, no disk is even opened.
/// </summary>
internal sealed class DiskKeeper : BackgroundService
{
    /// <summary>
    /// The kernel's messages of disks that come may be lost when there are many, so that its list has to be read all the same: it alone is,
    /// and nobody waits for a disk that was just put in.
    /// </summary>
    private static readonly TimeSpan Glance = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Retry = TimeSpan.FromMinutes(1);
    /// <summary>Between glances as long as a node waits.</summary>
    private static readonly TimeSpan Wink = TimeSpan.FromMilliseconds(500);
    /// <summary>How long what a node writes waits for a disk, when the machine has booted.</summary>
    private static readonly TimeSpan NodePatience = TimeSpan.FromMinutes(4);

    private readonly WorkerSettings settings;
    private readonly DiskBoard board;
    private readonly ILogger<DiskKeeper> logger;
    private readonly DeviceNodes nodes;
    private readonly DiskTokens tokens;
    private readonly DiskReporter reporter;
    private readonly LocalVolumes volumes;
    private readonly NodeFolders folders;
    private readonly DiskTools tools;
    private readonly SemaphoreSlim news = new(0);
    private readonly FirstPass first = new(TimeProvider.System);
    private volatile ControlConnection? controller;
    private volatile Orders? orders;
    private volatile Standing standing = new(true, "being looked at");

    private sealed record Orders(StorageConfiguration? Storage, Guid Machine);

    private sealed record Standing(bool IsWell, string Text);

    public DiskKeeper(WorkerSettings settings, DiskBoard board, DeviceNodes nodes, DiskTokens tokens, DiskReporter reporter,
        LocalVolumes volumes, ILogger<DiskKeeper> logger)
    {
        (this.settings, this.board, this.nodes, this.tokens, this.reporter, this.volumes, this.logger) =
            (settings, board, nodes, tokens, reporter, volumes, logger);
        var paths = new DiskPaths();
        folders = new NodeFolders(paths, Path.Combine(settings.StateFolder, "node-folders"));
        tools = new DiskTools(new DiskMounts(paths, folders, nodes), folders, nodes, board,
            Path.Combine(settings.StateFolder, "used-orders"), []);
    }

    /// <summary>Whether the disk of a node's folders went away since the node began.</summary>
    public bool HasLostNodeDisk => nodes.Foreign is null && tools.Mounts.HasLostNodeDisk;

    /// <summary>What the controller answered to a heartbeat.</summary>
    public void Follow(ControlConnection connection, NodeConfiguration configuration)
    {
        controller = connection;
        if (!settings.Apply || !Guid.TryParse(configuration.Hostname, out var machine)) return;
        var now = new Orders(configuration.Storage, machine);
        if (orders is { } before && before.Machine == machine && AreSame(before.Storage, now.Storage)) return;
        orders = now;
        news.Release();
    }

    /// <summary>
    /// Returns when what a node writes has its place: on a disk, or in RAM where there is none, or none in time. After that how it stands.
    /// </summary>
    public async Task<NodeDisks> ForNodeAsync(CancellationToken cancellationToken)
    {
        if (folders.AreOpen)
        {
            try { await first.Over.WaitAsync(NodePatience, cancellationToken).ConfigureAwait(false); }
            catch (TimeoutException)
            {
                standing = new(false, $"not done after {NodePatience.TotalMinutes:0} minutes: {standing.Text}");
            }
        }
        folders.Close();
        var (now, isOnDisk) = (standing, folders.Place == NodePlace.Disk);
        // systemd takes away what was mounted of a device that is gone.
        if (!isOnDisk && folders.WereOnDisk) now = new(false, $"{DiskMounts.EphemeralLost} ({now.Text})");
        var text = isOnDisk ? now.Text : $"{now.Text}; images, logs and what pods write are in RAM until the next boot";
        return new NodeDisks(isOnDisk, now.IsWell, volumes.Excess is { } excess ? $"{text}; {excess}" : text) { Memory = board.OsdMemory };
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            var (seen, told, failed, last) = ("", false, false, Stopwatch.GetTimestamp());
            while (true)
            {
                var (asked, isFirst) = (board.Asked, !first.Over.IsCompleted);
                // What it was like when the pass began counts: what comes meanwhile is for the next one.
                var sees = nodes.Signature();
                first.Look(sees);
                if (orders is { } wanted)
                {
                    var isDue = failed && Stopwatch.GetElapsedTime(last) > (isFirst ? FirstPass.Retry : Retry);
                    if (told || sees != seen || isDue)
                    {
                        failed = !await TryAsync(wanted, stoppingToken).ConfigureAwait(false);
                        (seen, last) = (sees, Stopwatch.GetTimestamp());
                        first.Passed(!failed);
                    }
                    first.Decide(seen, nodes.Foreign is null && wanted.Storage is not null && folders.Place == NodePlace.Open);
                }
                var pause = first.Over.IsCompleted || orders is null ? Glance : Wink;
                told = await IsToldAsync(asked, pause, stoppingToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { }
    }

    /// <summary>Waits for the time of the next glance, or for somebody's word.</summary>
    private async Task<bool> IsToldAsync(Task asked, TimeSpan longest, CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var word = news.WaitAsync(longest, end.Token);
        await Task.WhenAny(word, asked).ConfigureAwait(false);
        await end.CancelAsync().ConfigureAwait(false);
        try { return await word.ConfigureAwait(false) || asked.IsCompleted; }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested) { return true; }
    }

    /// <returns>Whether all of it is well.</returns>
    private async Task<bool> TryAsync(Orders wanted, CancellationToken cancellationToken)
    {
        var before = standing;
        standing = await LookAsync(wanted, cancellationToken).ConfigureAwait(false);
        if (standing != before)
        {
            if (standing.IsWell) logger.DisksInUse(standing.Text);
            else logger.DisksFailed(standing.Text);
        }
        return standing.IsWell;
    }

    private async Task<Standing> LookAsync(Orders wanted, CancellationToken cancellationToken)
    {
        if (nodes.Foreign is { } reason) return new(true, reason);
        if (wanted.Storage is not { } storage) return new(true, "left alone: the controller says nothing of disks");
        var pass = new DiskPass(tools, settings.DiskPolicy(wanted.Machine), storage, AskKeysAsync, step => logger.DiskWork(step))
            { Served = Serve, OsdsFound = board.TellOsds };
        try
        {
            using var turn = await board.TakeTurnAsync(cancellationToken).ConfigureAwait(false);
            await pass.RunAsync(cancellationToken).ConfigureAwait(false);
            tokens.Carry(pass.Used);
            volumes.TakeNone(pass.KeptOut);
        }
        // Whatever a disk holds, it ends no agent.
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            logger.DiskPassFailed(e);
            return new(false, e.Message);
        }
        var problems = pass.Problems.ToList();
        return problems.Count == 0 ? new(true, pass.Text()) : new(false, $"{string.Join("; ", problems)} ({pass.Text()})");
    }

    /// <summary>A node has what it waits for; what else its disks need is done beside.</summary>
    /// <param name="problems">Of disks that were there.</param>
    private void Serve(IReadOnlyList<string> problems)
    {
        const string served = "images, logs and what pods write are on a disk; the others are worked on";
        if (!first.Over.IsCompleted)
            standing = problems.Count == 0 ? new(true, served) : new(false, $"{string.Join("; ", problems)} ({served})");
        first.Serve();
    }

    private async Task<IReadOnlyDictionary<Guid, byte[]>> AskKeysAsync(IReadOnlyList<DiskState> disks, IReadOnlyList<Guid> ids,
        CancellationToken cancellationToken)
    {
        if (controller is not { } connection) throw new StorageException("the controller is not connected, which says whose a disk is");
        return await reporter.AskKeysAsync(connection, disks, ids, cancellationToken).ConfigureAwait(false);
    }

    private static bool AreSame(StorageConfiguration? one, StorageConfiguration? other) => ReferenceEquals(one, other)
        || (one is not null && other is not null && one with { Rules = other.Rules, Excluded = other.Excluded, Ceph = other.Ceph } == other
            && one.Rules.SequenceEqual(other.Rules) && one.Excluded.SequenceEqual(other.Excluded, StringComparer.Ordinal));
}
