using System.Formats.Tar;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Operos.Ceph.Facts;
using Operos.Linux;
using Operos.Linux.Programs;

namespace Operos.Ceph.Monitors;

/// <summary>
/// A monitor's lost store, made anew from the maps of the cluster that OSDs have (Ceph's documentation, "Recovery using OSDs"). The maps of
/// one OSD are enough: the one with the newest. Nothing is made before every OSD that was up by that map has said which maps it has, for
/// one that has a newer map knows of writes that the others do not.
/// </summary>
/// <param name="tell">Told what it waits for, in words.</param>
internal sealed class StoreRebuild(MonitorPaths paths, IMapSource source, Action<string> tell, ILogger logger)
{
    private const int MostNamed = 8, MostFiles = 65_536;
    private const long MostBytes = 16L << 30;
    private const string Archive = "maps.tar", NewestMap = "newest";
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5), Patience = TimeSpan.FromMinutes(30);

    /// <summary>What the newest map in the store says; null while none is there.</summary>
    private NewestMapFacts? newest;

    private string Keys => Path.Combine(paths.Run, "initial.keyring");
    private string Configuration => Path.Combine(paths.Run, "mkfs.conf");

    /// <summary>An OSD in a map.</summary>
    private sealed record MappedOsd(int Id, Guid Uuid, bool IsUp);

    /// <summary>What a map says.</summary>
    private sealed record NewestMapFacts(long Epoch, IReadOnlyList<MappedOsd> Osds);

    /// <summary>Waits for the OSDs, and makes the store of their maps in a folder.</summary>
    /// <param name="store">The folder: empty, or not there.</param>
    public async Task RunAsync(CephIdentity identity, MonitorMap map, string store, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                if (await TryAsync(identity, map, store, cancellationToken).ConfigureAwait(false)) return;
            }
            // What an OSD gave may be damaged, or its machine may have gone: it is asked for again.
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or JsonException)
            {
                Wait($"it could not be made of them, and is tried again: {e.Message}");
            }
            finally { File.Delete(Keys); }
            await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<bool> TryAsync(CephIdentity identity, MonitorMap map, string store, CancellationToken cancellationToken)
    {
        var offers = await source.AskAsync(cancellationToken).ConfigureAwait(false);
        if (offers.MaxBy(offer => offer.Newest) is not { } best)
        {
            Wait("no machine with an OSD of this cluster is connected. Next: power the machines on; where there never was an OSD, move "
                + $"{paths.Identity} away");
            return false;
        }
        // An OSD rests while its maps are taken: not again while no other has newer ones.
        if (newest is null || newest.Epoch < best.Newest)
            newest = await FetchAsync(best, identity.Fsid, store, cancellationToken).ConfigureAwait(false);
        var offered = offers.Select(offer => offer.Osd).ToHashSet();
        var missing = newest.Osds.Where(osd => osd.IsUp && !offered.Contains(osd.Uuid) && !source.Forgone.Contains(osd.Id)).ToList();
        if (missing.Count > 0)
        {
            var ids = string.Join(',', missing.Select(osd => osd.Id));
            Wait($"{string.Join(", ", missing.Take(MostNamed).Select(osd => source.Describe(osd.Id)))}"
                + (missing.Count > MostNamed ? $" and {missing.Count - MostNamed} more" : "")
                + $" were up by map {newest.Epoch} and have not said which maps they have. Next: power their machines on; for those whose "
                + $"disks are gone for good: operosctl storage rebuild --without {ids}");
            return false;
        }
        await MakeAsync(identity, map, store, cancellationToken).ConfigureAwait(false);
        logger.StoreRebuilt(newest.Epoch, newest.Osds.Count);
        return true;
    }

    /// <summary>Has all maps of an OSD in a store, and reads the newest.</summary>
    private async Task<NewestMapFacts> FetchAsync(OfferedMaps offer, Guid fsid, string store, CancellationToken cancellationToken)
    {
        newest = null;
        Wait($"map {offer.Newest} is fetched from a machine, {offer.Machine}");
        if (Directory.Exists(store)) Directory.Delete(store, recursive: true);
        Directory.CreateDirectory(store, FileModes.PrivateFolder);
        var archive = Path.Combine(store, Archive);
        await source.FetchAsync(offer, archive, cancellationToken).ConfigureAwait(false);
        Unpack(archive, store);
        File.Delete(archive);
        var read = await ReadAsync(fsid, store, cancellationToken).ConfigureAwait(false);
        return read.Epoch >= offer.Newest ? read
            : throw new IOException($"{offer.Machine} offered map {offer.Newest}, and gave {read.Epoch}");
    }

    /// <summary>Of plain files alone, in the store's folder: it comes from another machine.</summary>
    private static void Unpack(string archive, string store)
    {
        using var reader = new TarReader(File.OpenRead(archive));
        var (files, bytes, inside) = (0, 0L, Path.GetFullPath(store) + Path.DirectorySeparatorChar);
        while (reader.GetNextEntry() is { } entry)
        {
            var path = Path.GetFullPath(Path.Join(store, entry.Name));
            if (entry.EntryType == TarEntryType.Directory) continue;
            if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile) || Path.GetFileName(path) == Archive
                || Path.IsPathRooted(entry.Name) || !path.StartsWith(inside, StringComparison.Ordinal))
                throw new InvalidDataException($"an archive of maps holds {PrintableText.Line(entry.Name)}, which is no file of a store");
            if (++files > MostFiles || (bytes += entry.Length) > MostBytes)
                throw new InvalidDataException("an archive of maps is larger than any store");
            Directory.CreateDirectory(Path.GetDirectoryName(path)!, FileModes.PrivateFolder);
            entry.ExtractToFile(path, overwrite: false);
        }
    }

    /// <summary>The newest map in a store.</summary>
    private async Task<NewestMapFacts> ReadAsync(Guid fsid, string store, CancellationToken cancellationToken)
    {
        var file = Path.Combine(store, NewestMap);
        try
        {
            await CallAsync(paths.StoreProgram, [store, "get", "osdmap", "--", "--out", file], cancellationToken).ConfigureAwait(false);
            var said = await CallAsync(paths.OsdMapProgram, [file, "--dump", "json"], cancellationToken).ConfigureAwait(false);
            using var document = JsonDocument.Parse(said);
            var json = document.RootElement;
            if (json.TextOf("fsid") != fsid.ToString())
                throw new InvalidDataException($"a map is of another cluster, {PrintableText.Line(json.TextOf("fsid"))}");
            return new(json.NumberOf("epoch"), [.. json.ItemsOf("osds").Where(osd => !FactsReader.IsDestroyed(osd)).Select(osd =>
                new MappedOsd((int)osd.NumberOf("osd"), Guid.TryParse(osd.TextOf("uuid"), out var uuid) ? uuid : Guid.Empty,
                    osd.FlagOf("up")))]);
        }
        finally { File.Delete(file); }
    }

    /// <summary>All that a monitor begins with beside the maps: who may speak to it, and who it is.</summary>
    private async Task MakeAsync(CephIdentity identity, MonitorMap map, string store, CancellationToken cancellationToken)
    {
        AtomicFile.Write(Keys, Keyring.Initial(identity));
        AtomicFile.Write(Configuration, Encoding.UTF8.GetBytes(CephConfiguration.Monitor(map, store, Keys, paths.Sockets)),
            FileModes.Readable);
        await CallAsync(paths.StoreProgram, [store, "rebuild", $"--conf={Configuration}", "--", "--keyring", Keys, "--mon-ids",
            MonitorPaths.Name], cancellationToken).ConfigureAwait(false);
        if (paths.User is not { } user) return;
        foreach (var made in Directory.EnumerateFileSystemEntries(store, "*", SearchOption.AllDirectories)) Ownership.Give(made, user);
        Ownership.Give(store, user);
    }

    private static async Task<string> CallAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        var said = await ProgramCall.RunAsync(program, arguments, cancellationToken, longest: Patience).ConfigureAwait(false);
        return said.Code == 0 ? said.Output : throw new IOException(string.Create(CultureInfo.InvariantCulture,
            $"{Path.GetFileName(program)} failed with {said.Code}: {PrintableText.Line(said.LastLine, 512)}"));
    }

    private void Wait(string what) => tell($"the monitor's store is lost, and is made anew from the OSDs: {what}");
}
