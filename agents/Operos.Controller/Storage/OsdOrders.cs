using Microsoft.Extensions.Logging;
using Operos.Ceph;
using Operos.Ceph.Osds;
using Operos.Controller.Machines;

namespace Operos.Controller.Storage;

/// <summary>
/// What operators decide of OSDs: marked out and in, removed, replaced. Ceph is asked before anything is taken away, and the book is
/// written after it: an OSD that is gone in Ceph and still in the book is not started either (<see cref="OsdGrants"/>).
/// </summary>
/// <param name="ceph">Null where this cluster has none.</param>
/// <param name="volumes">What the pool's volumes are called.</param>
internal sealed class OsdOrders(CephMonitor? ceph, OsdBook book, MachineRegistry machines, Func<IReadOnlyList<string>> volumes,
    TimeProvider time, ILogger logger)
{
    private const string Listing = "operosctl storage osd list", Standing = "operosctl storage status";
    private const int MostNamed = 3;

    /// <returns>What moves, in words.</returns>
    /// <exception cref="RefusedException">It is not done.</exception>
    public Task<string> MarkAsync(int osd, bool isIn, string caller, CancellationToken cancellationToken) => DoAsync(async monitor =>
    {
        var known = await monitor.Osds.FindAsync(osd, cancellationToken).ConfigureAwait(false) ?? throw NoSuch(osd);
        if (known.IsDestroyed)
            throw new RefusedException(RefusalKind.Conflict, $"OSD {osd} has no disk: it waits for one", Listing);
        var mark = isIn ? "in" : "out";
        if (known.IsIn == isIn) return $"OSD {osd} is {mark} already";
        var facts = monitor.Facts ?? throw new IOException("how Ceph stands is not known yet");
        if (!isIn && known.IsUp && OsdMoves.WhyNotOut(facts, osd) is { } reason)
            throw new RefusedException(RefusalKind.Conflict, reason, "put a disk into another machine first");
        var rate = monitor.RecoveryRate;
        await monitor.Osds.MarkAsync(osd, isIn, cancellationToken).ConfigureAwait(false);
        logger.OsdMarked(caller, osd, mark);
        return $"OSD {osd} is {mark}: {(isIn ? OsdMoves.In(facts, osd, rate) : OsdMoves.Out(facts, osd, rate))}";
    });

    /// <param name="losesData">Also where data is lost with it.</param>
    /// <returns>What was done, in words.</returns>
    /// <exception cref="RefusedException">It is not done.</exception>
    public Task<string> RemoveAsync(int osd, bool losesData, string caller, CancellationToken cancellationToken) =>
        TakeAsync(osd, losesData, keepsPlace: false, caller, cancellationToken);

    /// <summary>As <see cref="RemoveAsync"/>; its number and its place stay for the next blank disk of its machine.</summary>
    /// <exception cref="RefusedException">It is not done.</exception>
    public Task<string> ReplaceAsync(int osd, bool losesData, string caller, CancellationToken cancellationToken) =>
        TakeAsync(osd, losesData, keepsPlace: true, caller, cancellationToken);

    private Task<string> TakeAsync(int osd, bool losesData, bool keepsPlace, string caller, CancellationToken cancellationToken) =>
        DoAsync(async monitor =>
        {
            if (book.Trouble is { } trouble) throw new RefusedException(RefusalKind.Conflict, trouble);
            var known = await monitor.Osds.FindAsync(osd, cancellationToken).ConfigureAwait(false);
            // The number may have been another's before, which was removed past this agent.
            var entry = known is null ? book.Find(osd)
                : known.IsDestroyed ? book.All.FirstOrDefault(one => one.AwaitsDisk && one.Id == osd) ?? book.Find(osd)
                : book.Find(known.Uuid) ?? Unknown(monitor, osd, known);
            if (known is null)
                return entry is not null ? Removed(entry) : book.All.Any(one => one.Id == osd) ? $"OSD {osd} was removed already"
                    : throw NoSuch(osd);
            if (known.IsUp)
                throw new RefusedException(RefusalKind.Conflict, $"OSD {osd} is up: what runs is not removed",
                    $"operosctl storage osd out {osd}; when {Standing} says that all copies are there, stop it: operosctl disks exclude, "
                    + "or pull the disk");
            if (keepsPlace && entry is null)
                throw new RefusedException(RefusalKind.Conflict, $"of OSD {osd} it is not known which machine has its place",
                    $"operosctl storage osd remove {osd}");
            // What was on one that was destroyed is gone.
            var loss = known.IsDestroyed ? "" : await WeighAsync(monitor, osd, losesData, cancellationToken).ConfigureAwait(false);
            if (!keepsPlace) await monitor.Osds.PurgeAsync(osd, cancellationToken).ConfigureAwait(false);
            else if (!known.IsDestroyed) await monitor.Osds.DestroyAsync(osd, cancellationToken).ConfigureAwait(false);
            logger.OsdRemoved(caller, osd, entry?.Machine ?? "no machine", loss.Length > 0 ? loss : "no data is lost");
            if (entry is not null)
                machines.Mention(entry.Machine, $"{caller} had OSD {osd} {(keepsPlace ? "replaced" : "removed")}");
            var text = entry is null ? $"OSD {osd} is removed" : keepsPlace ? Waits(entry) : Removed(entry);
            return loss.Length > 0 ? $"{text}; {loss}" : text;
        });

    /// <returns>What is lost, in words; nothing where nothing is.</returns>
    private async Task<string> WeighAsync(CephMonitor monitor, int osd, bool losesData, CancellationToken cancellationToken)
    {
        var loss = await monitor.Osds.WeighAsync([osd], cancellationToken).ConfigureAwait(false);
        if (loss.IsNone) return "";
        var names = volumes();
        var text = string.Join("; ", loss.Pools) + (names.Count == 0 ? "" : $": they may have parts of any of {names.Count} volumes ("
            + string.Join(", ", names.Take(MostNamed)) + (names.Count > MostNamed ? ", ..." : "") + ")");
        return losesData ? $"given up: {text}" : throw new RefusedException(RefusalKind.Conflict,
            $"OSD {osd} is needed: {text}", loss.IsCertain
            ? "bring its disk and its machine back; where they are gone for good, --lose-data gives up what is on it"
            : $"bring back what else is down, and wait until {Standing} says that all copies are there; --lose-data does not wait");
    }

    private string Removed(GrantedOsd entry)
    {
        book.Put(entry with { Removed = entry.Removed ?? time.GetUtcNow(), AwaitsDisk = false });
        return $"OSD {entry.Id} is removed: it is not started again, should its disk come back";
    }

    private string Waits(GrantedOsd entry)
    {
        book.Put(entry with { Removed = entry.Removed ?? time.GetUtcNow(), AwaitsDisk = true });
        return $"OSD {entry.Id} waits for another disk: the next blank one of {machines.Get(entry.Machine)?.Name ?? entry.Machine} takes "
            + "its number and place; the old one is not started again, should it come back";
    }

    /// <summary>One that nobody wrote down, as the monitor has it.</summary>
    private static GrantedOsd? Unknown(CephMonitor monitor, int osd, OsdStanding known) =>
        monitor.Facts?.Osds.FirstOrDefault(one => one.Id == osd) is { Host: { } host } && known.Uuid != Guid.Empty
            ? new GrantedOsd { Partition = known.Uuid, Disk = "", Machine = host, Id = osd } : null;

    private async Task<string> DoAsync(Func<CephMonitor, Task<string>> work)
    {
        if (ceph is null) throw new RefusedException(RefusalKind.Conflict, "this cluster has no Ceph", "storage.ceph in controller.toml");
        try { return await work(ceph).ConfigureAwait(false); }
        catch (IOException e) { throw new RefusedException(RefusalKind.Conflict, e.Message, Standing); }
    }

    private static RefusedException NoSuch(int osd) => new(RefusalKind.NotFound, $"no OSD {osd}", Listing);
}
