using System.Text;
using Operos.Backup;
using Operos.ControlPlane;
using Operos.Linux;

namespace Operos.Controller.Backups;

/// <summary>
/// Puts a backup in the place of a controller's state. All of it is read, checked and written beside first; then the old state goes aside
/// and the new one comes in by renaming. Cut off in between, it is run again, and until then the controller does not start.
/// </summary>
/// <param name="state">The state's folder.</param>
/// <param name="system">The root of the controller's system, or the folder that is to lie over it.</param>
internal sealed class BackupRestore(string state, string system)
{
    /// <summary>Where what was there before goes, below the state.</summary>
    public const string Aside = "before-restore";

    private const string Marker = "restore.unfinished", Staging = "restore.partial", Etcd = "etcd";

    /// <summary>What is of the old cluster, whether the backup has it or not. Backups, the journal and containers stay.</summary>
    private static readonly string[] Replaced =
    [
        "pki", "machines", "operators", "operations", "history", "jobs", "add-ons", "names", "anchor.cpio", "release.pub", "dnsmasq.leases",
        Etcd,
    ];

    /// <summary>Whether a state is half of one cluster and half of another.</summary>
    public static bool IsUnfinished(string state) => File.Exists(Path.Combine(state, Marker));

    /// <summary>What the operator is told of it beside.</summary>
    public List<string> Remarks { get; } = [];

    /// <summary>Where programs are looked for, as in PATH.</summary>
    internal string Programs { get; init; } = Environment.GetEnvironmentVariable("PATH") ?? "";

    /// <summary>Puts all in its place; <see cref="Finish"/> says that it is done.</summary>
    /// <param name="input">The archive, decrypted.</param>
    /// <param name="force">Also where the state is another cluster's that has machines.</param>
    /// <param name="ready">Called when all is there and checked, before anything is replaced: what runs is to stop.</param>
    /// <exception cref="IOException">
    /// It is damaged, another cluster's, or the disk takes no more. Nothing was replaced, unless <see cref="IsUnfinished"/> says so.
    /// </exception>
    public async Task<BackupManifest> RunAsync(Stream input, bool force, Func<CancellationToken, Task> ready,
        CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(state, FileModes.ReadableFolder);
        var staging = Path.Combine(state, Staging);
        if (Directory.Exists(staging)) Directory.Delete(staging, recursive: true);
        try
        {
            Directory.CreateDirectory(staging, FileModes.PrivateFolder);
            var manifest = BackupArchive.Read(input, part => BackupSources.Has(part.Name)
                ? Create(Path.Combine(staging, part.Name), part.Permissions())
                : throw new BackupException($"{part.Name} is nothing that a backup of this version holds"), cancellationToken);
            if (!manifest.Parts.Any(part => part.Name == BackupPart.State + "pki/ca.crt"))
                throw new BackupException("this is no backup of a controller: it has no authority");
            var snapshot = Path.Combine(staging, BackupPart.Snapshot);
            if (!force) RefuseLoss(manifest, File.Exists(snapshot));
            if (File.Exists(snapshot))
            {
                RequireProgram("etcdutl");
                await EtcdSnapshots.RestoreAsync(snapshot, Path.Combine(staging, BackupPart.State, Etcd), cancellationToken)
                    .ConfigureAwait(false);
            }
            await ready(cancellationToken).ConfigureAwait(false);
            Replace(staging);
            return manifest;
        }
        finally
        {
            if (!IsUnfinished(state)) Directory.Delete(staging, recursive: true);
        }
    }

    /// <summary>A host that disks are made on need not have what a controller has.</summary>
    private void RequireProgram(string name)
    {
        var folders = Programs.Split(':', StringSplitOptions.RemoveEmptyEntries);
        if (!folders.Any(folder => File.Exists(Path.Combine(folder, name))))
            throw new IOException($"{name} is not in PATH, and puts etcd's snapshot back: on Debian it is in the package etcd-server");
    }

    private void Replace(string staging)
    {
        var (fresh, aside) = (Path.Combine(staging, BackupPart.State), Path.Combine(state, Aside));
        // One that was cut off has put aside already what was there before it.
        if (!IsUnfinished(state) && Directory.Exists(aside)) Directory.Delete(aside, recursive: true);
        AtomicFile.Write(Path.Combine(state, Marker), "a backup is being put in the place of this state\n"u8);
        Directory.CreateDirectory(aside, FileModes.PrivateFolder);
        foreach (var name in Replaced.Union(Directory.GetFileSystemEntries(fresh).Select(path => Path.GetFileName(path)!)))
        {
            var (old, next, kept) = (Path.Combine(state, name), Path.Combine(fresh, name), Path.Combine(aside, name));
            if (Path.Exists(kept)) Remove(old);
            else if (Path.Exists(old)) Directory.Move(old, kept);
            if (Path.Exists(next)) Directory.Move(next, old);
        }
        AtomicFile.SyncFolder(aside);
        var root = Path.Combine(staging, BackupPart.Root);
        foreach (var file in Directory.Exists(root) ? Directory.GetFiles(root, "*", SearchOption.AllDirectories) : [])
        {
            var target = Path.Combine(system, Path.GetRelativePath(root, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            AtomicFile.Write(target, Adapted(file, target), File.GetUnixFileMode(file));
        }
        AtomicFile.SyncFolder(state);
    }

    /// <summary>All is in its place, what lies beside the state too: from here on the controller starts.</summary>
    public void Finish()
    {
        AtomicFile.Delete(Path.Combine(state, Marker));
        Directory.Delete(Path.Combine(state, Staging), recursive: true);
    }

    /// <summary>What is not undone needs a word. A controller that was just set up has an authority, and no machine but itself.</summary>
    private void RefuseLoss(BackupManifest manifest, bool hasSnapshot)
    {
        if (IsUnfinished(state)) return;
        if (Path.Combine(state, Aside) is var aside && Directory.Exists(aside))
            throw new BackupException($"{aside} holds what was there before an earlier restore, and would go: nothing was changed. Next: "
                + "move it away, or --force");
        var (authority, machines) = (Path.Combine(state, "pki/ca.crt"), Path.Combine(state, "machines"));
        if (!File.Exists(authority) || !Directory.Exists(machines)) return;
        var count = Directory.GetFiles(machines, "*.json").Length;
        if (count > 1 && BackupMaker.ClusterOf(state) != manifest.Cluster)
            throw new BackupException($"{state} is another cluster's, with {count} machines: nothing was changed. Next: --force, if that "
                + "one is to go");
        if (count > 1 && !hasSnapshot && Directory.Exists(Path.Combine(state, Etcd)))
            throw new BackupException("the backup has no snapshot of etcd, and this controller has one that runs: its cluster would be "
                + "empty. Nothing was changed. Next: another backup, or --force");
    }

    /// <summary>
    /// A network's file names a card by its MAC: where this machine has no such card, the one that it was set up with stays.
    /// </summary>
    private byte[] Adapted(string file, string target)
    {
        var contents = File.ReadAllBytes(file);
        if (!target.EndsWith(".network", StringComparison.Ordinal)) return contents;
        var text = Encoding.UTF8.GetString(contents);
        var kept = NetworkCard.Keep(text, File.Exists(target) ? File.ReadAllText(target) : null, NetworkCard.Present());
        if (kept == text) return contents;
        Remarks.Add($"{target}: this machine has not got the card of the backup; the one that it was set up with stays");
        return Encoding.UTF8.GetBytes(kept);
    }

    private static FileStream Create(string path, UnixFileMode mode)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!, FileModes.PrivateFolder);
        return new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = mode });
    }

    private static void Remove(string path)
    {
        if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
        else File.Delete(path);
    }
}
