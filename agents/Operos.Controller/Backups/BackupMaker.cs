using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Operos.Backup;
using Operos.Controller.Cluster;
using Operos.Controller.Configuration;
using Operos.ControlPlane;
using Operos.Linux;
using Operos.Release;

namespace Operos.Controller.Backups;

/// <summary>
/// Makes a backup of the controller: read back and found whole before it counts, and before an older one goes. It takes nothing from a disk
/// that has no room for it.
/// </summary>
/// <param name="cluster">Null where no Kubernetes runs: then there is no snapshot of etcd.</param>
/// <param name="needsSnapshot">Whether Kubernetes is to run: then a backup without etcd is none.</param>
internal sealed class BackupMaker(BackupStore store, ControllerPaths paths, int kept, KubernetesCluster? cluster, TimeProvider time,
    ILogger<BackupMaker> logger, bool needsSnapshot = false)
{
    /// <summary>
    /// So many bytes of a disk of this size are left for all else: etcd's next writes, and on a small disk the tenth below which the
    /// kubelet, whose images lie there too, evicts pods. Backups are never what fills a large one.
    /// </summary>
    internal static long Reserve(long total) => Math.Max(128L << 20, Math.Min(total / 8, 4L << 30));

    private const int UsuallyKept = 7;

    private readonly SemaphoreSlim makingLock = new(1), verifyingLock = new(1);

    /// <summary>Why none can be made now; null where one can.</summary>
    public string? Obstacle => cluster is null && needsSnapshot
        ? "Kubernetes' keys cannot be read, and without etcd's contents a backup is none" : cluster?.WhyNoSnapshot;

    /// <exception cref="RefusedException">One is being made already.</exception>
    /// <exception cref="IOException">It cannot be made; nothing is left of it.</exception>
    public async Task<StoredBackup> MakeAsync(string kind, CancellationToken cancellationToken)
    {
        if (!await makingLock.WaitAsync(TimeSpan.Zero, cancellationToken).ConfigureAwait(false))
            throw new RefusedException(RefusalKind.Conflict, "a backup is being made", "operosctl backup list shows it when it is whole");
        var name = store.FreeName(time.GetUtcNow(), kind);
        var snapshot = store.PathOf(name) + ".snapshot" + AtomicFile.PartialSuffix;
        var partial = store.PathOf(name) + AtomicFile.PartialSuffix;
        try
        {
            Directory.CreateDirectory(store.Folder, FileModes.PrivateFolder);
            try { return await MakeAsync(name, kind, partial, snapshot, cancellationToken).ConfigureAwait(false); }
            finally
            {
                foreach (var left in (string[])[partial, snapshot, snapshot + ".part"]) File.Delete(left);
            }
        }
        finally { makingLock.Release(); }
    }

    private async Task<StoredBackup> MakeAsync(string name, string kind, string partial, string snapshot,
        CancellationToken cancellationToken)
    {
        if (Obstacle is { } obstacle) throw new BackupException(obstacle);
        var files = BackupSources.Read(paths);
        CheckRoom(files.Sum(file => file.Part.Size));
        long? revision = null;
        if (cluster is not null)
        {
            await cluster.SaveSnapshotAsync(snapshot, cancellationToken).ConfigureAwait(false);
            revision = await EtcdSnapshots.CheckAsync(snapshot, cancellationToken).ConfigureAwait(false);
        }
        var manifest = Describe(kind, files, revision is null ? null : snapshot, revision);
        await Task.Run(() => Write(partial, manifest, files, snapshot, cancellationToken), cancellationToken).ConfigureAwait(false);
        File.Move(partial, store.PathOf(name));
        AtomicFile.SyncFolder(store.Folder);
        // Those that are made by order are bounded too, where none is made by itself.
        store.Prune(kind, kept > 0 ? kept : UsuallyKept, time.GetUtcNow() + TimeSpan.FromMinutes(1));
        var made = new StoredBackup(name, new FileInfo(store.PathOf(name)).Length, manifest, null);
        logger.Made(name, made.Size, manifest.Parts.Count);
        return made;
    }

    /// <summary>Reads all of a backup, and etcd's snapshot in it by etcd's own program.</summary>
    /// <exception cref="IOException">It is damaged, or there is no room to look at the snapshot.</exception>
    public async Task<BackupManifest> VerifyAsync(string path, CancellationToken cancellationToken)
    {
        // Each takes the room of a snapshot.
        await verifyingLock.WaitAsync(cancellationToken).ConfigureAwait(false);
        var snapshot = $"{path}.{Guid.NewGuid():N}{AtomicFile.PartialSuffix}";
        try
        {
            var manifest = await Task.Run(() => Read(path, snapshot, cancellationToken), cancellationToken).ConfigureAwait(false);
            if (!File.Exists(snapshot)) return manifest;
            var revision = await EtcdSnapshots.CheckAsync(snapshot, cancellationToken).ConfigureAwait(false);
            return revision == manifest.Revision ? manifest
                : throw new BackupException($"etcd's snapshot is of revision {revision}, and the manifest says {manifest.Revision}");
        }
        finally
        {
            verifyingLock.Release();
            File.Delete(snapshot);
        }
    }

    private BackupManifest Read(string path, string snapshot, CancellationToken cancellationToken)
    {
        using var file = File.OpenRead(path);
        CheckRoom(0, BackupArchive.ReadManifest(file).Parts.FirstOrDefault(part => part.Name == BackupPart.Snapshot)?.Size ?? 0);
        file.Position = 0;
        return BackupArchive.Read(file, part => part.Name == BackupPart.Snapshot ? new FileStream(snapshot, new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = FileModes.Private,
        }) : null, cancellationToken);
    }

    private BackupManifest Describe(string kind, IReadOnlyList<SavedFile> files, string? snapshot, long? revision)
    {
        List<BackupPart> parts = [.. files.Select(file => file.Part)];
        if (snapshot is not null)
        {
            using var content = File.OpenRead(snapshot);
            parts.Add(new BackupPart { Name = BackupPart.Snapshot, Size = content.Length, Mode = "0600",
                Sha256 = Convert.ToHexStringLower(SHA256.HashData(content)) });
        }
        return new BackupManifest
        {
            Cluster = ClusterOf(paths.State), Created = time.GetUtcNow(), Kind = kind, Agent = ControllerSettings.Agent,
            Release = RunningRelease(), Revision = revision, Parts = parts,
        };
    }

    private static void Write(string partial, BackupManifest manifest, IReadOnlyList<SavedFile> files, string snapshot,
        CancellationToken cancellationToken)
    {
        var contents = files.ToDictionary(file => file.Part.Name, file => file.Contents, StringComparer.Ordinal);
        using var output = new FileStream(partial, new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.None, UnixCreateMode = FileModes.Private,
        });
        BackupArchive.Write(output, manifest, part => part.Name == BackupPart.Snapshot
            ? File.OpenRead(snapshot) : new MemoryStream(contents[part.Name]));
        output.Flush(flushToDisk: true);
        output.Position = 0;
        BackupArchive.Read(output, _ => null, cancellationToken);
    }

    private void CheckRoom(long files, long snapshot = -1)
    {
        var store = Path.Combine(paths.ControlPlane.Etcd, "member/snap/db");
        // While it is made, etcd's snapshot is there twice.
        var disk = new DriveInfo(paths.Backups);
        var needed = Reserve(disk.TotalSize) + files + (snapshot >= 0 ? snapshot : File.Exists(store) ? 2 * new FileInfo(store).Length : 0);
        var free = disk.AvailableFreeSpace;
        if (free < needed)
            throw new BackupException($"{paths.Backups} has {free >> 20} MB free, and {needed >> 20} are needed for this: nothing was "
                + "written or taken away. Next: make room there");
    }

    /// <summary>SHA-256 of the authority's certificate.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static string ClusterOf(string state)
    {
        var path = Path.Combine(state, "pki/ca.crt");
        try
        {
            using var certificate = X509Certificate2.CreateFromPem(File.ReadAllText(path));
            return Convert.ToHexStringLower(SHA256.HashData(certificate.RawData));
        }
        catch (CryptographicException e) { throw new BackupException($"{path} is no certificate: {e.Message}", e); }
    }

    private static string? RunningRelease()
    {
        try
        {
            return File.Exists(BootRecord.Path)
                ? JsonSerializer.Deserialize(File.ReadAllBytes(BootRecord.Path), ReleaseJson.Default.BootRecord)?.Release : null;
        }
        catch (Exception e) when (e is IOException or JsonException) { return null; }
    }
}
