using System.Globalization;
using System.Net;
using System.Text;
using Operos.Linux;

namespace Operos.Ceph.Monitors;

/// <summary>
/// The monitor's store, in a folder with its cluster's id for a name: made once, beside, and put in its place when it is whole. One that is
/// there is never made again; one that was there and is gone is made of what the OSDs know, and of nothing else.
/// </summary>
/// <param name="rebuild">Null where nobody can be asked for an OSD's maps: then a lost store is an error.</param>
internal sealed class MonitorStore(MonitorPaths paths, TimeProvider time, StoreRebuild? rebuild = null)
{
    /// <summary>How a folder ends in which a store is made.</summary>
    public const string Unfinished = ".new";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private string Monitors => Path.Combine(paths.Run, "monmap");

    /// <summary>
    /// Reads the cluster's identity, or makes one where nothing was ever made; completes what is missing of its store, which takes as long
    /// as OSDs are waited for.
    /// </summary>
    /// <param name="address">The monitor's.</param>
    /// <exception cref="IOException">It cannot be made, or is lost, or another cluster's is there.</exception>
    public async Task<CephIdentity> PrepareAsync(IPAddress address, CancellationToken cancellationToken)
    {
        Clear();
        var identity = CephIdentity.Read(paths.Identity);
        var isLost = identity?.StoreMade is not null && !Directory.Exists(paths.Store(identity.Fsid));
        if (identity is not null && isLost && rebuild is not null)
        {
            RefuseAnother(identity);
            RefuseMove(identity, address);
            var (lost, own) = (identity, MonitorMap.Of(identity.Fsid, address));
            await PlaceAsync(lost, staging => rebuild.RunAsync(lost, own, staging, cancellationToken)).ConfigureAwait(false);
            identity = identity with { Rebuilt = time.GetUtcNow() };
            identity.Write(paths.Identity);
        }
        else if (identity is null || !Directory.Exists(paths.Store(identity.Fsid)))
        {
            RefuseLoss(identity);
            RefuseAnother(identity);
            // Another id each time: under one that a backup has from before there were OSDs, no empty cluster may begin beside them.
            identity = CephIdentity.Make();
            identity.Write(paths.Identity);
            var (made, map) = (identity, MonitorMap.Of(identity.Fsid, address));
            await PlaceAsync(made, staging => MakeAsync(made, map, staging, cancellationToken)).ConfigureAwait(false);
        }
        RefuseMove(identity, address);
        if (identity is { StoreMade: not null, Address: not null }) return identity;
        identity = identity with { StoreMade = identity.StoreMade ?? time.GetUtcNow(), Address = $"{address}" };
        identity.Write(paths.Identity);
        return identity;
    }

    /// <summary>What a cut left: keys, and stores on which nothing was ever run.</summary>
    private void Clear()
    {
        foreach (var file in (string[])[paths.InitialKeyring, Monitors, paths.MakingConfiguration]) File.Delete(file);
        foreach (var half in StoresThatAre(finished: false)) Directory.Delete(half, recursive: true);
    }

    private IEnumerable<string> StoresThatAre(bool finished) => !Directory.Exists(paths.Stores) ? []
        : Directory.GetDirectories(paths.Stores).Where(store => store.EndsWith(Unfinished, StringComparison.Ordinal) != finished);

    private void RefuseLoss(CephIdentity? identity)
    {
        if (identity?.StoreMade is { } since) throw new IOException(
            $"the monitor's store {paths.Store(identity.Fsid)} is lost, which was made "
            + $"{since.ToString("u", CultureInfo.InvariantCulture)}: a new one would know none of the OSDs and their data, so none is made."
            + " They are all on the disks still. Next: put the folder back");
    }

    private void RefuseAnother(CephIdentity? identity)
    {
        if (StoresThatAre(finished: true).FirstOrDefault() is { } another)
            throw new IOException($"{another} is a monitor's store, and {paths.Identity} "
                + (identity is null ? "is missing" : "is another cluster's") + ": none is made beside it. Next: put that file back from a "
                + "backup (operosctl backup list); or, to begin a new cluster, which knows nothing of the OSDs on the disks, move that "
                + "folder away");
    }

    private static void RefuseMove(CephIdentity identity, IPAddress address)
    {
        if (identity is { StoreMade: not null, Address: { } before } && before != $"{address}")
            throw new IOException($"the monitor of Ceph has the address {before} for all who know it, and this controller has {address}: "
                + $"it does not move with it in this version. Next: set network.address back to {before}");
    }

    /// <summary>Makes a store beside its place, and puts it there when all of it is on the disk.</summary>
    private async Task PlaceAsync(CephIdentity identity, Func<string, Task> makeAsync)
    {
        var store = paths.Store(identity.Fsid);
        var staging = store + Unfinished;
        Directory.CreateDirectory(paths.Stores, FileModes.ReadableFolder);
        Directory.CreateDirectory(staging, FileModes.PrivateFolder);
        await makeAsync(staging).ConfigureAwait(false);
        Sync(staging);
        Directory.Move(staging, store);
        AtomicFile.SyncFolder(paths.Stores);
    }

    private async Task MakeAsync(CephIdentity identity, MonitorMap map, string staging, CancellationToken cancellationToken)
    {
        try
        {
            AtomicFile.Write(paths.InitialKeyring, Keyring.Initial(identity));
            AtomicFile.Write(paths.MakingConfiguration, Encoding.UTF8.GetBytes(CephConfiguration.Monitor(map, staging,
                paths.InitialKeyring, paths.Sockets)), FileModes.Readable);
            await MonitorTool.RunAsync(paths.MapProgram, ["--create", "--fsid", $"{map.Fsid}", "--set-min-mon-release", "reef", "--addv",
                MonitorPaths.Name, $"[v2:{map.Monitors[0]}/0]", Monitors], Patience, cancellationToken).ConfigureAwait(false);
            if (paths.User is { } user)
                foreach (var given in (string[])[staging, paths.InitialKeyring, Monitors]) Ownership.Give(given, user);
            string[] owner = paths.User is { } name ? ["--setuser", name, "--setgroup", name] : [];
            await MonitorTool.RunAsync(paths.MonitorProgram, ["--mkfs", "-i", MonitorPaths.Name, "-c", paths.MakingConfiguration,
                "--keyring", paths.InitialKeyring, "--monmap", Monitors, .. owner], Patience, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            foreach (var file in (string[])[paths.InitialKeyring, Monitors, paths.MakingConfiguration]) File.Delete(file);
        }
    }

    /// <summary>All of a folder to the disk: in its place, half of it would be taken for a store.</summary>
    private static void Sync(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            using var handle = File.OpenHandle(file, FileMode.Open, FileAccess.ReadWrite);
            RandomAccess.FlushToDisk(handle);
        }
        foreach (var inner in Directory.EnumerateDirectories(folder, "*", SearchOption.AllDirectories)) AtomicFile.SyncFolder(inner);
        AtomicFile.SyncFolder(folder);
    }
}
