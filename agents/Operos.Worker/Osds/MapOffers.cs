using Microsoft.Extensions.Logging;
using Operos.Ceph.Osds;
using Operos.Linux;
using Operos.Proto;
using Operos.Storage.Work;
using Operos.Worker.Disks;

namespace Operos.Worker.Osds;

/// <summary>
/// Gives a controller whose monitor's store is lost the maps of the cluster that this machine's OSDs have. One that runs is asked; one that
/// does not is looked at, and one whose maps are taken rests meanwhile. The controller asks again and again, and waits for nothing here.
/// When the store is there again, OSDs that ran all the time are started anew.
/// </summary>
internal sealed class MapOffers(OsdKeeper keeper, OsdPaths paths, OsdMapTool tool, TimeProvider time, ILogger logger)
{
    private const int PartBytes = 1 << 20, BusySeconds = 2, LongestText = 200, MostRestarts = 20;
    /// <summary>What was seen so long ago is looked at again.</summary>
    private static readonly TimeSpan Old = TimeSpan.FromSeconds(30);

    private readonly Lock stateLock = new();
    private (Task<IReadOnlyList<OsdMapSpan>> Task, long Since)? look;
    /// <summary>The OSDs that are being started again.</summary>
    private readonly HashSet<Guid> restarts = [];
    /// <summary>The archive that is made, or was.</summary>
    private (Guid Osd, Task<Guid> Made)? archive;

    /// <summary>Null for what is none of its requests.</summary>
    public Message? Answer(Message request)
    {
        try
        {
            return request switch
            {
                ShowOsdMaps => Show(),
                ReadOsdMaps read when Guid.TryParseExact(read.Partition, "D", out var osd) && read.Offset >= 0 =>
                    read.Archive is null ? Begin(osd) : Read(osd, read),
                RestartOsd restart when Guid.TryParseExact(restart.Partition, "D", out var osd) => Restart(osd),
                ReadOsdMaps or RestartOsd => new Fault { Code = FaultCode.BadRequest, Text = "an OSD is named by no id of a partition" },
                _ => null,
            };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Fault { Code = FaultCode.Internal, Text = e.Message };
        }
    }

    private Message Show()
    {
        if (keeper.Targets is not { } targets) return Busy("its disks were not looked at yet");
        lock (stateLock)
        {
            if (look is null || (look.Value.Task.IsCompleted && time.GetElapsedTime(look.Value.Since) > Old))
                look = (Task.Run(() => LookAsync(targets)), time.GetTimestamp());
            if (!look.Value.Task.IsCompleted) return Busy("its OSDs are looked at");
            // What was found is of now, however long it took.
            return new OsdMaps { Osds = look.Value.Task.Result };
        }
    }

    private async Task<IReadOnlyList<OsdMapSpan>> LookAsync(IReadOnlyList<OsdTarget> targets)
    {
        var found = new List<OsdMapSpan>();
        foreach (var target in targets.Take(OsdState.Most))
        {
            try { found.Add(new() { Partition = $"{target.Id}", Newest = await NewestAsync(target).ConfigureAwait(false) }); }
            // Whatever stands on a disk ends no agent, and keeps no other OSD from being asked.
            catch (Exception e)
            {
                logger.MapsNotRead(target.Partition.Path, e.Message);
                found.Add(new() { Partition = $"{target.Id}", Text = PrintableText.Line(e.Message, LongestText) });
            }
        }
        return found;
    }

    private async Task<long> NewestAsync(OsdTarget target)
    {
        if (keeper.RunningAs(target.Id) is { } id)
            try { return await AdminSocket.NewestMapAsync(paths.Socket(id), CancellationToken.None).ConfigureAwait(false); }
            // It hangs in its start, for which it needs the monitor: nobody misses it while it rests.
            catch (IOException e) { logger.MapsNotRead(target.Partition.Path, e.Message); }
        return await keeper.RestAsync(target.Id, tool.NewestAsync, CancellationToken.None).ConfigureAwait(false);
    }

    private Message Begin(Guid osd)
    {
        lock (stateLock)
        {
            if (archive is { Made.IsCompleted: false } other)
                return Busy(other.Osd == osd ? "the archive of its maps is made" : "another archive of maps is made");
            if (archive is not { Made.IsCompletedSuccessfully: true } made || made.Osd != osd || !File.Exists(paths.Maps))
            {
                // What went wrong is told once, and tried again when it is asked for again.
                if (archive is { Made.Exception: { } failure, Osd: var failed } && failed == osd)
                {
                    archive = null;
                    return new Fault { Code = FaultCode.Conflict, Text = failure.InnerException?.Message ?? failure.Message };
                }
                archive = (osd, Task.Run(() => PackAsync(osd)));
                return Busy("the archive of its maps is made");
            }
            return Part(made.Made.Result, 0);
        }
    }

    private Done Restart(Guid osd)
    {
        lock (stateLock)
            if (restarts.Add(osd)) _ = Task.Run(() => RestartAsync(osd));
        return new Done { Text = "it is started again" };
    }

    private async Task RestartAsync(Guid osd)
    {
        try
        {
            for (var left = MostRestarts; ; left--)
                try
                {
                    await keeper.RestAsync(osd, (_, _, _) => Task.FromResult(true), CancellationToken.None).ConfigureAwait(false);
                    logger.OsdRestarted(osd);
                    return;
                }
                // It did not end: nobody asks for it a second time.
                catch (IOException e) when (left > 0)
                {
                    logger.OsdsNotKept(e.Message);
                    await Task.Delay(Old).ConfigureAwait(false);
                }
        }
        // Whatever it is, it ends no agent.
        catch (Exception e) { logger.OsdsNotKept(e.Message); }
        finally
        {
            lock (stateLock) restarts.Remove(osd);
        }
    }

    private async Task<Guid> PackAsync(Guid osd)
    {
        Directory.CreateDirectory(paths.Run, FileModes.ReadableFolder);
        File.Delete(paths.Maps);
        await keeper.RestAsync(osd, async (target, place, token) =>
        {
            await tool.PackAsync(target, place, paths.Maps, token).ConfigureAwait(false);
            return true;
        }, CancellationToken.None).ConfigureAwait(false);
        logger.MapsPacked(osd);
        return Guid.NewGuid();
    }

    private Message Read(Guid osd, ReadOsdMaps read)
    {
        lock (stateLock)
            return archive is { Made.IsCompletedSuccessfully: true } made && made.Osd == osd && $"{made.Made.Result}" == read.Archive
                && File.Exists(paths.Maps) ? Part(made.Made.Result, read.Offset)
                : new Fault { Code = FaultCode.NotFound, Text = "there is no such archive of maps: it is asked for from the start" };
    }

    /// <summary>The archive is in RAM, and goes when its end was asked for.</summary>
    private OsdMapsPart Part(Guid id, long offset)
    {
        using var file = File.OpenHandle(paths.Maps);
        var bytes = RandomAccess.GetLength(file);
        var data = new byte[Math.Clamp(bytes - offset, 0, PartBytes)];
        var count = data.Length == 0 ? 0 : RandomAccess.Read(file, data, offset);
        if (offset >= bytes) File.Delete(paths.Maps);
        return new OsdMapsPart { Archive = $"{id}", Bytes = bytes, Data = data[..count] };
    }

    private static Fault Busy(string text) => new() { Code = FaultCode.Busy, Text = text, RetryAfterSeconds = BusySeconds };
}
