using Microsoft.Extensions.Logging;
using Operos.Ceph;
using Operos.Ceph.Monitors;
using Operos.Controller.Connections;
using Operos.Controller.Machines;
using Operos.Linux;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Storage;

/// <summary>
/// What a monitor's lost store is made anew from: the OSDs of the machines that are connected. An operator may give OSDs up whose disks are
/// gone for good.
/// </summary>
internal sealed class LostMonitor(CephMonitor ceph, OsdBook book, MachineRegistry machines, Sessions sessions, ILogger logger) : IMapSource
{
    private const int AtOnce = 16;
    /// <summary>How long a machine may take to look at its OSDs, and to make an archive.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5), Again = TimeSpan.FromSeconds(2);

    private readonly Lock forgoneLock = new();
    private IReadOnlySet<int> forgone = new HashSet<int>();

    public IReadOnlySet<int> Forgone => forgone;

    /// <summary>An operator does not want some OSDs to be waited for.</summary>
    /// <returns>What follows, in words.</returns>
    /// <exception cref="RefusedException">No store is lost.</exception>
    public string Forgo(IReadOnlyList<int> osds, string caller)
    {
        if (ceph.StoreLoss is null)
            throw new RefusedException(RefusalKind.Conflict, "the monitor's store is not lost, or is made anew already",
                "operosctl storage status");
        if (osds is not { Count: > 0 and <= RebuildMonitor.MostOsds } || osds.Any(osd => osd < 0))
            throw new RefusedException(RefusalKind.Invalid, $"1 to {RebuildMonitor.MostOsds} numbers of OSDs are expected");
        lock (forgoneLock) forgone = forgone.Union(osds).ToHashSet();
        var ids = string.Join(", ", osds);
        logger.OsdsForgone(caller, ids);
        return $"OSD {ids}: not waited for. What was written after the newest map that the others have, and what they alone hold, is given "
            + "up. operosctl storage status says how it stands";
    }

    public string Describe(int osd) => book.Find(osd)?.Machine is { } machine ? $"OSD {osd} of {machines.Get(machine)?.Name ?? machine}"
        : $"OSD {osd}";

    public async Task<IReadOnlyList<OfferedMaps>> AskAsync(CancellationToken cancellationToken)
    {
        var all = new List<OfferedMaps>();
        foreach (var some in machines.All.Select(machine => sessions.Get(machine.Id)).OfType<Session>().Chunk(AtOnce))
            foreach (var offers in await Task.WhenAll(some.Select(session => AskAsync(session, cancellationToken))).ConfigureAwait(false))
                all.AddRange(offers);
        var same = all.GroupBy(offer => offer.Osd).ToList();
        // One of the two is a copy of a disk, and nobody knows which.
        foreach (var twice in same.Where(offers => offers.Count() > 1))
            logger.MapsNotOffered(string.Join(" and ", twice.Select(offer => offer.Machine)), $"each says that it has the OSD {twice.Key}");
        return [.. same.Where(offers => offers.Count() == 1).Select(offers => offers.Single())];
    }

    public async Task FetchAsync(OfferedMaps offer, string archive, CancellationToken cancellationToken)
    {
        var session = sessions.Get(offer.Machine) ?? throw new IOException($"{offer.Machine} is not connected any more");
        using var file = File.OpenHandle(archive, FileMode.Create, FileAccess.Write, FileShare.None);
        string? id = null;
        for (long offset = 0; ;)
        {
            var part = await CallAsync<OsdMapsPart>(session, new ReadOsdMaps { Partition = $"{offer.Osd}", Archive = id, Offset = offset },
                cancellationToken).ConfigureAwait(false);
            if (part.Data is null || part.Archive is null || part.Bytes is <= 0 or > OfferedMaps.MostBytes
                || (id is not null && part.Archive != id) || offset + part.Data.Length > part.Bytes)
                throw new IOException($"{offer.Machine} gave a part of an archive that is none");
            id = part.Archive;
            await RandomAccess.WriteAsync(file, part.Data, offset, cancellationToken).ConfigureAwait(false);
            offset += part.Data.Length;
            // Asked for once more at its end: then the machine, which has it in RAM, removes it.
            if (part.Data.Length > 0) continue;
            if (offset != part.Bytes) throw new IOException($"{offer.Machine} gave {offset} of {part.Bytes} bytes");
            return;
        }
    }

    private async Task<IReadOnlyList<OfferedMaps>> AskAsync(Session session, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await CallAsync<OsdMaps>(session, new ShowOsdMaps(), cancellationToken).ConfigureAwait(false);
            return answer.Osds is not { Count: <= OsdState.Most } osds ? throw new IOException($"over {OsdState.Most} OSDs")
                : [.. osds.Select(osd => Guid.TryParseExact(osd.Partition, "D", out var id) && osd.Newest > 0
                    ? new OfferedMaps(session.Machine, id, osd.Newest) : null).OfType<OfferedMaps>()];
        }
        catch (IOException e)
        {
            logger.MapsNotOffered(session.Machine, PrintableText.Line(e.Message) ?? "");
            return [];
        }
    }

    /// <summary>Asks again while the machine is busy with it.</summary>
    private static async Task<T> CallAsync<T>(Session session, Message request, CancellationToken cancellationToken) where T : Message
    {
        for (var begun = TimeProvider.System.GetTimestamp(); ;)
        {
            try { return await session.Connection.CallAsync<T>(request, cancellationToken).ConfigureAwait(false); }
            catch (ControlFaultException e) when (e.Code == FaultCode.Busy && TimeProvider.System.GetElapsedTime(begun) < Patience) { }
            catch (Exception e) when (e is ControlFaultException or TimeoutException)
            {
                throw new IOException($"{session.Machine}: {PrintableText.Line(e.Message)}", e);
            }
            await Task.Delay(Again, cancellationToken).ConfigureAwait(false);
        }
    }
}
