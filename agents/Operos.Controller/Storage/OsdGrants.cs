using Microsoft.Extensions.Logging;
using Operos.Ceph;
using Operos.Controller.Audit;
using Operos.Controller.Connections;
using Operos.Controller.Disks;
using Operos.Proto;

namespace Operos.Controller.Storage;

/// <summary>
/// Gives a machine the id and the key of the OSD on a partition of a disk that it has, and of no other. The key is made of the disk and the
/// partition: who names somebody else's partition beside a disk of their own would get another key, which the monitor refuses.
/// </summary>
/// <param name="ceph">Null where this cluster has none.</param>
internal sealed class OsdGrants(CephMonitor? ceph, RackDisks disks, OsdBook book, TimeProvider time, ILogger logger)
{
    private const int BusySeconds = 5;
    private const string AnotherOfIt = "to make a new one of the disk: operosctl disks wipe";
    /// <summary>Of a machine within some minutes: with all disks that one can have, each asks again every 15 s.</summary>
    private const int MostRequests = 8 * OsdState.Most;

    private readonly Lock useLock = new();
    private readonly RecentUse<string> use = new(time);
    /// <summary>Two new disks at once do not get the same place.</summary>
    private readonly SemaphoreSlim turn = new(1);

    /// <exception cref="RefusedException">It gets none.</exception>
    public async Task<Message> GrantAsync(OsdRequest request, string machine, CancellationToken cancellationToken)
    {
        if (ceph is null) throw new RefusedException(RefusalKind.Conflict, "this cluster has no Ceph", "storage.ceph in controller.toml");
        if (book.Trouble is { } trouble) throw new RefusedException(RefusalKind.Conflict, trouble);
        if (!Guid.TryParseExact(request.Partition, "D", out var partition) || partition.ToString() != request.Partition
            || partition == Guid.Empty)
            throw new RefusedException(RefusalKind.Invalid, "an OSD's key is asked for by no id of a partition");
        if (request.Bytes <= 0) throw new RefusedException(RefusalKind.Invalid, "an OSD's key is asked for with no size");
        if (IsTooOften(machine)) return Busy("too often asked about OSDs", hint: null);
        try { return await GrantAsync(ceph, request, partition, machine, cancellationToken).ConfigureAwait(false); }
        catch (RefusedException e)
        {
            if (disks.AuditOsd(machine, partition, AuditOutcome.Refused, e.Message)) logger.OsdRefused(machine, partition, e.Message);
            throw;
        }
        catch (IOException e) { return Busy(e.Message, "operosctl storage status"); }
    }

    private async Task<OsdGrant> GrantAsync(CephMonitor monitor, OsdRequest request, Guid partition, string machine,
        CancellationToken cancellationToken)
    {
        var disk = request.Disk;
        var key = CephKey.Of(disks.IssueOsdSecret(disk, partition, machine).AsSpan(0, CephKey.SecretBytes));
        var before = Check(partition, disk, machine);
        if (before is null) return await AddAsync(monitor, request, partition, machine, key, cancellationToken).ConfigureAwait(false);
        var id = before.Id;
        // What was removed from the cluster comes not back by itself, under another number, with data of before.
        if (await monitor.FindOsdAsync(partition, cancellationToken).ConfigureAwait(false) != id)
            throw new RefusedException(RefusalKind.Conflict,
                $"the OSD on {partition} was {id}, and the monitor does not have it any more: it was removed", AnotherOfIt);
        book.Put(before with { Machine = machine });
        return Granted(before with { Machine = machine }, key, isNew: before.Machine != machine);
    }

    /// <summary>A new OSD: in the place of one that was replaced on this machine, where one waits.</summary>
    private async Task<OsdGrant> AddAsync(CephMonitor monitor, OsdRequest request, Guid partition, string machine, CephKey key,
        CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            GrantedOsd? place = null;
            foreach (var waiting in book.Awaiting(machine))
            {
                var standing = await monitor.Osds.FindAsync(waiting.Id, cancellationToken).ConfigureAwait(false);
                // A cut before the book was written has given it to this one already.
                if (standing is not { IsDestroyed: true } && standing?.Uuid != partition) continue;
                place = waiting;
                await monitor.Osds.SetSizeAsync(waiting.Id, request.Bytes, cancellationToken).ConfigureAwait(false);
                break;
            }
            var id = await monitor.AddOsdAsync(partition, key, place?.Id, cancellationToken).ConfigureAwait(false);
            var osd = new GrantedOsd { Partition = partition, Disk = request.Disk, Machine = machine, Id = id };
            book.Put(place is null ? [osd] : [osd, place with { AwaitsDisk = false }]);
            return Granted(osd, key, isNew: true);
        }
        catch (OsdKeyException e) { throw new RefusedException(RefusalKind.Conflict, $"{e.Message}: it is another disk's"); }
        finally { turn.Release(); }
    }

    private OsdGrant Granted(GrantedOsd osd, CephKey key, bool isNew)
    {
        disks.AuditOsd(osd.Machine, osd.Partition, AuditOutcome.Done, null);
        if (isNew) logger.OsdGranted(osd.Machine, osd.Id, osd.Partition);
        return new OsdGrant { Id = osd.Id, Key = key.Text };
    }

    private bool IsTooOften(string machine)
    {
        lock (useLock)
        {
            if (use.Of(machine) > MostRequests) return true;
            use.Add(machine, 1);
            return false;
        }
    }

    private static Fault Busy(string text, string? hint) =>
        new() { Code = FaultCode.Busy, Text = text, Hint = hint, RetryAfterSeconds = BusySeconds };

    private GrantedOsd? Check(Guid partition, string disk, string machine)
    {
        if (book.Find(partition) is { Removed: { } since } removed)
            throw new RefusedException(RefusalKind.Conflict,
                $"the OSD on {partition} was {removed.Id}, and was removed on {since.UtcDateTime:yyyy-MM-dd}: it is not started again",
                AnotherOfIt);
        if (book.Find(partition) is { } before)
            return before.Disk == disk ? before : throw new RefusedException(RefusalKind.Conflict,
                $"the OSD on {partition} is of the disk {before.Disk}, and is asked for with {disk}");
        var (all, ofDisk, ofMachine) = book.Count(disk, machine);
        if (ofDisk >= OsdBook.MostOfDisk)
            throw new RefusedException(RefusalKind.Conflict, $"the disk {disk} was given {OsdBook.MostOfDisk} OSDs already");
        if (ofMachine >= OsdBook.MostOfMachine || all >= OsdBook.Most)
            throw new RefusedException(RefusalKind.Conflict,
                $"no more OSDs are given: {ofMachine} are this machine's, of {all}; {OsdBook.MostOfMachine} of one and {OsdBook.Most} of "
                + "all are the most");
        return null;
    }
}
