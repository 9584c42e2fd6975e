using System.Collections.Concurrent;
using Operos.Linux;
using Operos.Proto;
using Operos.Storage.Classes;
using Operos.Storage.Contents;
using Operos.Storage.Layouts;
using Operos.Storage.Records;
using Operos.Storage.Reports;
using Operos.Storage.Wipes;
using Operos.Storage.Work;

namespace Operos.Worker.Disks;

/// <summary>What a pass works with.</summary>
/// <param name="Files">Images instead of this machine's disks, for a test.</param>
/// <param name="UsedOrders">A folder that keeps which orders to wipe were used.</param>
internal sealed record DiskTools(DiskMounts Mounts, NodeFolders Folders, DeviceNodes Nodes, DiskBoard Board, string UsedOrders,
    IReadOnlyList<string> Files);

/// <summary>Asks the controller for the keys of disks.</summary>
/// <param name="disks">As they are now: it gives keys of disks that it was told of.</param>
/// <param name="ids">In the disks' records. Refused of one, none is given.</param>
/// <exception cref="StorageException">The controller gives none.</exception>
internal delegate Task<IReadOnlyDictionary<Guid, byte[]>> KeysOf(IReadOnlyList<DiskState> disks, IReadOnlyList<Guid> ids,
    CancellationToken cancellationToken);

/// <summary>
/// One look at all disks of this machine, and the work that follows from it: what is ours is mounted, blank disks are set up, a wipe that
/// was cut is completed. What fails of one disk is told of it and keeps no other from its work.
/// </summary>
internal sealed class DiskPass(DiskTools tools, DiskPolicy policy, StorageConfiguration wanted,
    KeysOf keysOf, Action<string> progress)
{
    private const int MostNamed = 8;
    /// <summary>The programs for one disk take some megabytes, which are the agent's.</summary>
    private const int MostAtOnce = 8;
    /// <summary>That are asked for at once; the controller gives twice as many.</summary>
    private const int MostKeys = 32;
    private readonly ConcurrentDictionary<string, string> failures = new(StringComparer.Ordinal);
    /// <summary>Records that were written since the last look, by the names of their disks.</summary>
    private readonly ConcurrentDictionary<string, DiskRecord> claimed = new(StringComparer.Ordinal);
    /// <summary>By the ids of their disks: each is asked for once.</summary>
    private readonly ConcurrentDictionary<Guid, byte[]> keys = [];
    /// <summary>What is done with disks now, by their names.</summary>
    private readonly ConcurrentDictionary<string, string> working = new(StringComparer.Ordinal);
    /// <summary>Names of disks that are another machine's, as far as is known.</summary>
    private readonly HashSet<string> refused = new(StringComparer.Ordinal);
    private readonly bool encrypts = wanted.Encrypt ?? Encryption.CpuHasAes();
    private readonly Lock shownLock = new();
    private IReadOnlyList<DiskVerdict> disks = [];
    private IReadOnlyList<DiskState> shown = [];

    /// <summary>Is told what failed until then, when a node's folders are on a disk and all volumes that were there were tried.</summary>
    public Action<IReadOnlyList<string>> Served { get; init; } = _ => { };

    /// <summary>
    /// Is told of the partitions for OSDs on disks that this machine uses, and how many more are to be: before blank disks are set up, and
    /// in the end.
    /// </summary>
    public Action<IReadOnlyList<OsdTarget>, int> OsdsFound { get; init; } = (_, _) => { };

    /// <summary>What is not as it should be, in words; a disk's with its name.</summary>
    public IEnumerable<string> Problems => lost.Concat(failures
        .OrderBy(failure => failure.Key, StringComparer.Ordinal).Select(failure => $"{failure.Key}: {failure.Value}"));

    private IReadOnlyList<string> lost = [];

    /// <summary>Disks of the cluster that are not kept out.</summary>
    public IEnumerable<DiskVerdict> Used => disks.Where(disk => disk.Class == DiskClass.Ours && !IsExcluded(disk));

    /// <summary>The ids of disks of the cluster that are kept out.</summary>
    public IEnumerable<Guid> KeptOut => disks.Where(IsExcluded).Select(disk => disk.Record?.Disk).OfType<Guid>();

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        lost = await tools.Mounts.ReleaseLostAsync(cancellationToken).ConfigureAwait(false);
        // Another agent's, which ended: one at a time has the turn.
        await CloseLeftOpenAsync(cancellationToken).ConfigureAwait(false);
        await DiskMounts.SettleAsync(cancellationToken).ConfigureAwait(false);
        await LookAsync(cancellationToken).ConfigureAwait(false);
        await AskForOthersAsync(cancellationToken).ConfigureAwait(false);
        // A node waits for what is there already, and for nothing that may take long.
        await MountAsync(cancellationToken).ConfigureAwait(false);
        var plan = Planned();
        if (!plan.Any(HasEphemeral)) await MakeRoomAsync(cancellationToken).ConfigureAwait(false);
        TellOsds(plan.Sum(planned => planned.Layout.Partitions.Count(partition => partition.Use == PartitionUse.Osd)));
        Serve();
        await SetUpAsync(cancellationToken).ConfigureAwait(false);
        // One that is kept out, too: somebody ordered it.
        var cut = disks.Where(disk => IsCutWipe(disk) && !refused.Contains(disk.Evidence.Facts.Name)).ToList();
        foreach (var disk in cut)
            await TryAsync(disk, "is wiped to the end", () => new DiskWiper(policy, tools.UsedOrders, TimeProvider.System)
                .CompleteAsync(disk, new Progress<long>(), cancellationToken)).ConfigureAwait(false);
        if (cut.Count > 0)
        {
            await LookAsync(cancellationToken).ConfigureAwait(false);
            await SetUpAsync(cancellationToken).ConfigureAwait(false);
        }
        await MakeRoomAsync(cancellationToken).ConfigureAwait(false);
        TellOsds(planned: 0);
        Show();
    }

    /// <summary>Where no disk has a partition for what a node writes, a file among the volumes of one is for it.</summary>
    private async Task MakeRoomAsync(CancellationToken cancellationToken)
    {
        foreach (var (verdict, disk) in Own())
            if (NeedsEphemeral && disk.Partitions.Any(partition => partition.Use == PartitionUse.Volumes))
                await TryAsync(verdict, "makes room for images and logs", () => tools.Mounts.MakeEphemeralFileAsync(
                    tools.Mounts.VolumesOf(disk), encrypts, cancellationToken)).ConfigureAwait(false);
    }

    private async Task CloseLeftOpenAsync(CancellationToken cancellationToken)
    {
        if (tools.Files.Count > 0) return;
        try { await DiskSetUp.CloseLeftOpenAsync(cancellationToken).ConfigureAwait(false); }
        catch (IOException e) { lost = [.. lost, PrintableText.Line(e.Message, 500) ?? ""]; }
    }

    /// <summary>
    /// A disk that another machine put to work is this one's when the controller says so: that machine may still have it, and a disk with
    /// two ways to it is seen by both.
    /// </summary>
    private async Task AskForOthersAsync(CancellationToken cancellationToken)
    {
        var taken = false;
        foreach (var disk in disks.Where(disk => disk is { IsAnotherMachines: true, Class: DiskClass.Ours or DiskClass.UnfinishedOurs }
            && (!IsExcluded(disk) || IsCutWipe(disk))))
        {
            var name = disk.Evidence.Facts.Name;
            refused.Add(name);
            await TryAsync(disk, "is asked for", async () =>
            {
                try { await KeyAsync(disk.Record!.Disk, cancellationToken).ConfigureAwait(false); }
                catch (IOException e)
                {
                    throw new StorageException($"it was put to work by machine {disk.Record!.Machine}, and is used here when the "
                        + $"controller says that it is here alone: {e.Message}", e);
                }
                // The record of one that is unfinished is written by what finishes it.
                if (disk.Class == DiskClass.Ours) await DiskTakeOver.RunAsync(disk, policy, cancellationToken).ConfigureAwait(false);
                taken |= disk.Class == DiskClass.Ours;
                refused.Remove(name);
            }).ConfigureAwait(false);
        }
        if (taken) await LookAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Mounts what is ready: a node's folders, for which nobody is asked; then the volumes, each disk beside the others.</summary>
    private async Task MountAsync(CancellationToken cancellationToken)
    {
        var own = Own();
        if (tools.Mounts.HasEphemeral && own.Count > 0)
            await TryAsync(own[0].Verdict, "takes a node's folders", () => tools.Mounts.TakeFoldersAsync(cancellationToken))
                .ConfigureAwait(false);
        foreach (var (verdict, disk) in own) await MountEphemeralAsync(verdict, disk, cancellationToken).ConfigureAwait(false);
        await AskForKeysAsync(own, cancellationToken).ConfigureAwait(false);
        var few = new ParallelOptions { MaxDegreeOfParallelism = MostAtOnce, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(own, few, async (one, token) =>
            await MountVolumesAsync(one.Verdict, one.Disk, token).ConfigureAwait(false)).ConfigureAwait(false);
    }

    private IReadOnlyList<(DiskVerdict Disk, DiskLayout Layout)> Planned() => MachineLayout.Plan([.. Usable], Shares());

    private static bool HasEphemeral((DiskVerdict Disk, DiskLayout Layout) planned) =>
        planned.Layout.Partitions.Any(partition => partition.Use == PartitionUse.Ephemeral);

    /// <summary>Sets up what is to be, the disk for images and logs first, and mounts each at once.</summary>
    private async Task SetUpAsync(CancellationToken cancellationToken)
    {
        var plan = Planned();
        foreach (var (verdict, layout) in plan.OrderByDescending(HasEphemeral))
        {
            OwnDisk? own = null;
            await TryAsync(verdict, "is set up", async () => own = await SetUpAsync(verdict, layout, cancellationToken)
                .ConfigureAwait(false)).ConfigureAwait(false);
            if (own is null) continue;
            await MountEphemeralAsync(verdict, own, cancellationToken).ConfigureAwait(false);
            await MountVolumesAsync(verdict, own, cancellationToken).ConfigureAwait(false);
            Serve();
        }
        if (plan.Count > 0) await LookAsync(cancellationToken).ConfigureAwait(false);
    }

    private void TellOsds(int planned) =>
        OsdsFound([.. Own().SelectMany(own => OsdTarget.On(own.Disk, own.Verdict.Evidence.Facts.IsRotational))], planned);

    private void Serve()
    {
        if (tools.Folders.Place == NodePlace.Disk) Served([.. Problems]);
    }

    /// <summary>The finished ones, the best first.</summary>
    private List<(DiskVerdict Verdict, OwnDisk Disk)> Own()
    {
        var own = new List<(DiskVerdict Verdict, OwnDisk Disk)>();
        foreach (var disk in Usable.Where(disk => disk.Class == DiskClass.Ours).Order(
            Comparer<DiskVerdict>.Create(MachineLayout.Better)))
        {
            try { own.Add((disk, OwnDisk.Read(disk))); }
            // Whatever its table holds, the other disks are not kept from their work.
            catch (Exception e) when (e is not OperationCanceledException) { Note(disk, e); }
        }
        return own;
    }

    /// <summary>How the disks stand, in words.</summary>
    public string Text()
    {
        var ours = disks.Count(disk => disk.Class == DiskClass.Ours);
        var left = disks.Where(disk => disk.Class is not (DiskClass.Ours or DiskClass.InUse)).Take(MostNamed)
            .Select(disk => disk.Evidence.Facts.Name).ToList();
        return $"{ours} of {disks.Count} in use{(left.Count > 0 ? $"; left alone: {string.Join(", ", left)}" : "")}";
    }

    /// <summary>The first that has it; where that fails, the next one.</summary>
    private async Task MountEphemeralAsync(DiskVerdict verdict, OwnDisk disk, CancellationToken cancellationToken)
    {
        foreach (var partition in disk.Partitions.Where(partition => partition.Use == PartitionUse.Ephemeral))
        {
            if (!NeedsEphemeral) return;
            await TryAsync(verdict, "is mounted", () => tools.Mounts.MakeEphemeralAsync(disk, partition, encrypts, cancellationToken))
                .ConfigureAwait(false);
        }
    }

    private async Task MountVolumesAsync(DiskVerdict verdict, OwnDisk disk, CancellationToken cancellationToken)
    {
        foreach (var partition in disk.Partitions.Where(partition => partition.Use == PartitionUse.Volumes))
            await TryAsync(verdict, "is mounted", () => tools.Mounts.MountVolumesAsync(disk, partition, KeyAsync, cancellationToken))
                .ConfigureAwait(false);
    }

    private static bool IsCutWipe(DiskVerdict disk) => disk is { Class: DiskClass.UnfinishedOurs, Record.Work: DiskWork.Wiping };

    private IEnumerable<DiskVerdict> Usable => disks.Where(disk => !IsExcluded(disk) && !refused.Contains(disk.Evidence.Facts.Name));

    /// <summary>A node that began in RAM stays there until the next boot.</summary>
    private bool NeedsEphemeral => !tools.Mounts.HasEphemeral && tools.Folders.Place == NodePlace.Open;

    private Task<OwnDisk> SetUpAsync(DiskVerdict disk, DiskLayout layout, CancellationToken cancellationToken) => new DiskSetUp(policy,
        step =>
        {
            // It names the disk or the partition itself.
            progress(step);
            var name = disk.Evidence.Facts.Name;
            working[name] = step.StartsWith($"{name}: ", StringComparison.Ordinal) ? step[(name.Length + 2)..] : step;
            Show(disk);
        },
        async (id, token) => encrypts ? await KeyAsync(id, token).ConfigureAwait(false) : null)
    {
        Claimed = record =>
        {
            claimed[disk.Evidence.Facts.Name] = record;
            Show(disk);
        },
    }.RunAsync(disk, layout, cancellationToken);

    /// <summary>Asks for all keys that volumes wait for at once; where one is refused, each is asked for at its turn.</summary>
    private async Task AskForKeysAsync(List<(DiskVerdict Verdict, OwnDisk Disk)> own, CancellationToken cancellationToken)
    {
        var waiting = Shown.Where(state => state.Uses.Any(use => use is { Encrypted: true, MountedAt: null }))
            .Select(state => state.Name).ToHashSet(StringComparer.Ordinal);
        var ids = own.Where(disk => waiting.Contains(disk.Verdict.Evidence.Facts.Name)).Select(disk => disk.Disk.Record.Disk)
            .Where(id => !keys.ContainsKey(id));
        foreach (var some in ids.Chunk(MostKeys))
        {
            try
            {
                foreach (var (id, key) in await keysOf(Shown, some, cancellationToken).ConfigureAwait(false)) keys[id] = key;
            }
            // Whoever waits for one asks for it then, and tells what is wrong.
            catch (Exception e) when (e is not OperationCanceledException) { }
        }
    }

    private async Task<byte[]> KeyAsync(Guid id, CancellationToken cancellationToken) => keys.TryGetValue(id, out var key) ? key
        : keys[id] = (await keysOf(Shown, [id], cancellationToken).ConfigureAwait(false))[id];

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        var found = await MachineDisks.LookAsync(policy, tools.Files, cancellationToken).ConfigureAwait(false);
        claimed.Clear();
        disks = tools.Files.Count > 0 ? found : [.. found.Where(disk => tools.Nodes.IsDisk(disk.Evidence.Facts))];
        Show();
    }

    private async Task TryAsync(DiskVerdict disk, string work, Func<Task> act)
    {
        var name = disk.Evidence.Facts.Name;
        working[name] = work;
        Show(disk);
        try { await act().ConfigureAwait(false); }
        // Whatever it is, the other disks are not kept from their work.
        catch (Exception e) when (e is not OperationCanceledException) { Note(disk, e); }
        working.TryRemove(name, out _);
        Show(disk);
    }

    private void Note(DiskVerdict disk, Exception failure) =>
        failures[disk.Evidence.Facts.Name] = PrintableText.Line(failure.Message, 500) ?? "it failed";

    private void Show()
    {
        var states = disks.Select(StateOf).ToList();
        lock (shownLock) tools.Board.Show(shown = states);
    }

    /// <summary>Of one alone: each disk that is not mounted is read for it.</summary>
    private void Show(DiskVerdict disk)
    {
        var now = StateOf(disk);
        lock (shownLock) tools.Board.Show(shown = [.. shown.Select(state => state.Name == now.Name ? now : state)]);
    }

    private IReadOnlyList<DiskState> Shown { get { lock (shownLock) return shown; } }

    private DiskState StateOf(DiskVerdict disk)
    {
        var name = disk.Evidence.Facts.Name;
        var state = DiskStates.Of(disk, UsesOf(disk), failures.GetValueOrDefault(name));
        // It has its id since a moment: the controller gives keys of disks that it was told of, and tells others whose it is.
        if (claimed.TryGetValue(name, out var record)) state = state with
        {
            Class = DiskReport.NameOf(DiskClass.UnfinishedOurs), RecordDisk = $"{record.Disk}", RecordMachine = $"{record.Machine}",
        };
        return working.TryGetValue(name, out var work) ? state with { Work = work } : state;
    }

    private IReadOnlyList<DiskUse> UsesOf(DiskVerdict disk)
    {
        if (disk.Class != DiskClass.Ours) return [];
        try { return tools.Mounts.UsesOf(OwnDisk.Read(disk)); }
        catch (IOException) { return []; }
    }

    private bool IsExcluded(DiskVerdict disk) =>
        wanted.Excluded.Contains(DiskIdentity.Of(disk.Evidence.Facts, disk.Record), StringComparer.Ordinal);

    private DiskShares Shares() => new()
    {
        LocalPercent = wanted.LocalPercent,
        Rules = [.. wanted.Rules.Select(rule => new ShareRule
        {
            Rotational = rule.Rotational, AtLeast = rule.AtLeast > 0 ? rule.AtLeast : null, AtMost = rule.AtMost > 0 ? rule.AtMost : null,
            Model = rule.Model, LocalPercent = rule.LocalPercent,
        })],
    };
}
