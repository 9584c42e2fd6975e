using Microsoft.Extensions.Logging;
using Operos.Ceph;
using Operos.Controller.Connections;
using Operos.Controller.Disks;
using Operos.Controller.Machines;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Storage;

/// <summary>
/// Lets OSDs in again whose keys the monitor does not have, because its store was made anew: each with the key of its disk, once a machine
/// says that it has that disk, and started anew where it runs. One of which the controller's backup was too old to know goes to the book of
/// OSDs then.
/// </summary>
internal sealed class LostKeys(CephMonitor ceph, OsdBook book, RackDisks disks, MachineRegistry machines, Sessions sessions, ILogger logger)
{
    /// <summary>While some have none, and when all have theirs: another store may be made anew.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2), LongPause = TimeSpan.FromMinutes(1);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var isWhole = false;
            try { isWhole = book.Trouble is null && await PassAsync(cancellationToken).ConfigureAwait(false); }
            // The monitor does not answer, or the book cannot be written: both are told elsewhere.
            catch (IOException) { }
            await Task.Delay(isWhole ? LongPause : Pause, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <returns>Whether every OSD has its key.</returns>
    /// <exception cref="IOException">The monitor does not answer.</exception>
    internal async Task<bool> PassAsync(CancellationToken cancellationToken)
    {
        var without = await ceph.Osds.WithoutKeyAsync(cancellationToken).ConfigureAwait(false);
        if (without.Count == 0) return true;
        var left = without.Count;
        foreach (var machine in machines.All)
            foreach (var told in sessions.Get(machine.Id)?.Last?.Osds ?? [])
            {
                if (!Guid.TryParseExact(told.Partition, "D", out var partition)) continue;
                var osd = without.FirstOrDefault(osd => osd.Uuid == partition);
                if (osd.Uuid == partition && await GiveAsync(osd.Id, partition, told, machine.Id, cancellationToken).ConfigureAwait(false))
                    left--;
            }
        return left == 0;
    }

    private async Task<bool> GiveAsync(int id, Guid partition, OsdState told, string machine, CancellationToken cancellationToken)
    {
        var known = book.Find(partition);
        // Of one that nobody wrote down the cluster's own map says on which machine it was last.
        if (known is null ? HostOf(id) != machine : known.Removed is not null || known.Disk != told.Disk) return false;
        CephKey key;
        try { key = CephKey.Of(disks.IssueOsdSecret(told.Disk, partition, machine).AsSpan(0, CephKey.SecretBytes)); }
        // It has not told of the disk yet, or another machine says that it has it.
        catch (RefusedException) { return false; }
        // One that runs holds on to what the former store gave it: before it has its key, so that it is not forgotten.
        if (told.IsRunning && !await RestartAsync(partition, machine, cancellationToken).ConfigureAwait(false)) return false;
        await ceph.Osds.SetKeyAsync(id, key, cancellationToken).ConfigureAwait(false);
        book.Put(new GrantedOsd { Partition = partition, Disk = told.Disk, Machine = machine, Id = id });
        logger.OsdLetInAgain(id, machine);
        return true;
    }

    private async Task<bool> RestartAsync(Guid partition, string machine, CancellationToken cancellationToken)
    {
        if (sessions.Get(machine) is not { } session) return false;
        try
        {
            await session.Connection.CallAsync<Done>(new RestartOsd { Partition = $"{partition}" }, cancellationToken)
                .ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is IOException or TimeoutException or ControlFaultException) { return false; }
    }

    private string? HostOf(int id) => ceph.Facts?.Osds.FirstOrDefault(osd => osd.Id == id)?.Host;
}
