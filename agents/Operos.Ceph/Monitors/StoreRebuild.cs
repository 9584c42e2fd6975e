using System.Formats.Tar;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Operos.Ceph.Facts;
using Operos.Linux;

namespace Operos.Ceph.Monitors;

/// <summary>
/// A monitor's lost store, made anew from the maps of the cluster that OSDs have (Ceph's documentation, "Recovery using OSDs"). The maps of
/// one OSD are enough: the one with the newest. Nothing is made before every OSD of that map has said which maps it has, also one that was
/// down by it: it may have come up later, and then it knows of writes that the others do not.
/// </summary>
/// <param name="tell">Told what it waits for, in words.</param>
internal sealed class StoreRebuild(MonitorPaths paths, IMapSource source, Action<string> tell, ILogger logger)
{
    private const int MostNamed = 8, MostFiles = 65_536, MostFailures = 3;
    private const string Archive = "maps.tar", NewestMap = "newest";
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5), Patience = TimeSpan.FromMinutes(30);

    /// <summary>How often the maps of an OSD were not to be had.</summary>
    private readonly Dictionary<Guid, int> failures = [];
    /// <summary>What the newest map in the store says; null while none is there.</summary>
    private NewestMapFacts? newest;

    /// <summary>What a map says.</summary>
    private sealed record NewestMapFacts(long Epoch, IReadOnlyList<(int Id, Guid Uuid)> Osds);

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
            // The disk is full, or what an OSD gave is damaged in a way that shows only now.
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or JsonException)
            {
                newest = null;
                Wait($"it could not be made of them, and is tried again: {e.Message}");
            }
            finally { File.Delete(paths.InitialKeyring); }
            await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<bool> TryAsync(CephIdentity identity, MonitorMap map, string store, CancellationToken cancellationToken)
    {
        var offers = await source.AskAsync(cancellationToken).ConfigureAwait(false);
        var unread = new HashSet<Guid>();
        foreach (var offer in offers.OrderByDescending(offer => offer.Newest))
        {
            // An OSD rests while its maps are taken: not again while no other has newer ones.
            if (newest is not null && newest.Epoch >= offer.Newest) break;
            if (!await TryFetchAsync(offer, identity.Fsid, store, cancellationToken).ConfigureAwait(false)) unread.Add(offer.Osd);
        }
        if (newest is null)
        {
            // Those of which none could be read may be read now.
            failures.Clear();
            if (offers.Count == 0)
                Wait("no machine with an OSD of this cluster is connected. Next: power the machines on; where there never was an OSD, move "
                    + $"{paths.Identity} away");
            return false;
        }
        var offered = offers.Select(offer => offer.Osd).Except(unread).ToHashSet();
        var missing = newest.Osds.Where(osd => !offered.Contains(osd.Uuid) && !source.Forgone.Contains(osd.Id)).ToList();
        if (missing.Count > 0)
        {
            var ids = string.Join(',', missing.Select(osd => osd.Id));
            Wait($"map {newest.Epoch} is there, and not heard from are "
                + string.Join(", ", missing.Take(MostNamed).Select(osd => source.Describe(osd.Id)))
                + (missing.Count > MostNamed ? $" and {missing.Count - MostNamed} more" : "")
                + ", which may have a newer one. Next: power their machines on; for those whose disks are gone for good: operosctl "
                + $"storage rebuild --without {ids}");
            return false;
        }
        await MakeAsync(identity, map, store, cancellationToken).ConfigureAwait(false);
        logger.StoreRebuilt(newest.Epoch, newest.Osds.Count);
        return true;
    }

    /// <summary>
    /// Has all maps of an OSD in the store, and reads the newest. One with which that fails keeps no other from it, and rests no more often
    /// for it than a few times.
    /// </summary>
    private async Task<bool> TryFetchAsync(OfferedMaps offer, Guid fsid, string store, CancellationToken cancellationToken)
    {
        if (failures.GetValueOrDefault(offer.Osd) >= MostFailures) return false;
        Wait($"map {offer.Newest} is fetched from a machine, {offer.Machine}");
        // What is there stays until there is a newer one.
        var fetched = store[..^MonitorStore.Unfinished.Length] + ".fetched" + MonitorStore.Unfinished;
        try
        {
            if (Directory.Exists(fetched)) Directory.Delete(fetched, recursive: true);
            Directory.CreateDirectory(fetched, FileModes.PrivateFolder);
            var archive = Path.Combine(fetched, Archive);
            await source.FetchAsync(offer, archive, cancellationToken).ConfigureAwait(false);
            Unpack(archive, fetched);
            File.Delete(archive);
            var read = await ReadAsync(fsid, fetched, cancellationToken).ConfigureAwait(false);
            if (read.Epoch < offer.Newest) throw new IOException($"it offered map {offer.Newest}, and gave {read.Epoch}");
            if (Directory.Exists(store)) Directory.Delete(store, recursive: true);
            Directory.Move(fetched, store);
            newest = read;
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or JsonException)
        {
            failures[offer.Osd] = failures.GetValueOrDefault(offer.Osd) + 1;
            Wait($"the maps of OSD {offer.Osd} on {offer.Machine} are not had: {e.Message}");
            return false;
        }
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
            if (++files > MostFiles || (bytes += entry.Length) > OfferedMaps.MostBytes)
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
            await MonitorTool.RunAsync(paths.StoreProgram, [store, "get", "osdmap", "--", "--out", file], Patience, cancellationToken)
                .ConfigureAwait(false);
            var said = await MonitorTool.RunAsync(paths.OsdMapProgram, [file, "--dump", "json"], Patience, cancellationToken)
                .ConfigureAwait(false);
            using var document = JsonDocument.Parse(said);
            var json = document.RootElement;
            if (json.TextOf("fsid") != fsid.ToString())
                throw new InvalidDataException($"a map is of another cluster, {PrintableText.Line(json.TextOf("fsid"))}");
            return new(json.NumberOf("epoch"), FactsReader.OsdsOf(json));
        }
        finally { File.Delete(file); }
    }

    /// <summary>All that a monitor begins with beside the maps: who may speak to it, and who it is.</summary>
    private async Task MakeAsync(CephIdentity identity, MonitorMap map, string store, CancellationToken cancellationToken)
    {
        AtomicFile.Write(paths.InitialKeyring, Keyring.Initial(identity));
        AtomicFile.Write(paths.MakingConfiguration, Encoding.UTF8.GetBytes(CephConfiguration.Monitor(map, store, paths.InitialKeyring,
            paths.Sockets)), FileModes.Readable);
        await MonitorTool.RunAsync(paths.StoreProgram, [store, "rebuild", $"--conf={paths.MakingConfiguration}", "--", "--keyring",
            paths.InitialKeyring, "--mon-ids", MonitorPaths.Name], Patience, cancellationToken).ConfigureAwait(false);
        if (paths.User is not { } user) return;
        foreach (var made in Directory.EnumerateFileSystemEntries(store, "*", SearchOption.AllDirectories)) Ownership.Give(made, user);
        Ownership.Give(store, user);
    }

    private void Wait(string what) => tell($"the monitor's store is lost, and is made anew from the OSDs: {what}");
}
