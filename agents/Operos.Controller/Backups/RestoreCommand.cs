using System.CommandLine;
using Operos.Backup;
using Operos.Controller.Configuration;
using Operos.Controller.Setup;
using Operos.Linux;
using Operos.Linux.Units;
using Operos.Release;
using Operos.Release.Publishing;

namespace Operos.Controller.Backups;

/// <summary>
/// <c>operos-controller restore</c>: a backup becomes the controller's state, on the console of a controller whose disk is blank, or in a
/// folder that a disk is made of.
/// </summary>
internal static class RestoreCommand
{
    /// <summary>The agent first: it would start the others again.</summary>
    private static readonly string[] Units =
        ["operos-controller", "kubelet", "kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd"];

    public static Command Create(ControllerPaths defaults)
    {
        var file = new Argument<string>("file") { Description = "A backup, encrypted or not" };
        var passphrase = new Option<string?>("--passphrase-file")
            { Description = "File whose first line is the passphrase; without it you are asked" };
        var folder = new Option<string?>("--dir")
            { Description = "Write to this folder, as setup does, for images/disk.sh; without it this machine's own state is replaced" };
        var force = new Option<bool>("--force") { Description = "Also where this machine is the controller of another cluster" };
        var command = new Command("restore", "Put a backup in the place of the controller's state, as root on its console")
            { file, passphrase, folder, force };
        command.SetAction(async (result, cancellationToken) =>
        {
            var (path, target) = (result.GetValue(file)!, result.GetValue(folder));
            var paths = target is null ? defaults : defaults with { State = Path.Combine(target, "state") };
            try
            {
                await using var input = File.OpenRead(path);
                await using var plain = Encryption.Open(input, () => Passphrase.Read(result.GetValue(passphrase)));
                var restore = new BackupRestore(paths.State, target is null ? paths.System : Path.Combine(target, "upper"));
                var trusted = ReadTrusted(paths);
                var manifest = await restore.RunAsync(plain, result.GetValue(force),
                    target is null ? token => StopAsync(paths, token) : _ => Task.CompletedTask, cancellationToken).ConfigureAwait(false);
                FinishAnchors(paths, target, trusted);
                restore.Finish();
                Console.WriteLine($"restored the backup of {manifest.Created.UtcDateTime:yyyy-MM-dd HH:mm} UTC into {paths.State}");
                Console.WriteLine(target is not null ? "  next: images/disk.sh --setup"
                    : $"  what was there before is in {Path.Combine(paths.State, BackupRestore.Aside)}. Next: systemctl reboot");
                foreach (var remark in restore.Remarks) Console.WriteLine($"  {remark}");
                Console.WriteLine("  workers that booted since then wait for a word where cluster.readmission is approve: "
                    + "operosctl machines resolve --returned");
                return 0;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or LinuxException
                or ReleaseFormatException)
            {
                Console.Error.WriteLine($"operos-controller: not restored: {e.Message}");
                if (BackupRestore.IsUnfinished(paths.State)) Console.Error.WriteLine("  it was cut off: run it once more");
                return 1;
            }
        });
        return command;
    }

    /// <summary>The keys of the release that this machine runs: it was made with them, and they may be newer than the backup.</summary>
    private static List<string> ReadTrusted(ControllerPaths paths)
    {
        List<string> files = [paths.ReleaseKeys];
        if (BackupRestore.IsUnfinished(paths.State)) files.Add(Path.Combine(paths.State, BackupRestore.Aside, "release.pub"));
        return [.. files.Where(File.Exists).SelectMany(file => P256.ReadPublicKeys(File.ReadAllText(file)))
            .Select(point => ReleaseKey.Write([point]))];
    }

    /// <summary>The anchors are of the authority and the keys that are in force now, wherever this machine boots from.</summary>
    private static void FinishAnchors(ControllerPaths paths, string? folder, List<string> trusted)
    {
        using var partition = folder is null ? new BootPartition(null, paths.Run) : null;
        var keys = new TrustedKeys(paths, partition?.Folder);
        keys.Refresh();
        foreach (var pem in trusted) keys.Add(pem);
        if (folder is not null) File.Copy(paths.Anchor, Path.Combine(folder, "anchor.cpio"), overwrite: true);
    }

    private static async Task StopAsync(ControllerPaths paths, CancellationToken cancellationToken)
    {
        using var systemd = new Systemd();
        foreach (var unit in Units)
        {
            var state = await systemd.ReadAsync(unit, cancellationToken).ConfigureAwait(false);
            if (state.Load != "not-found" && state.Active != "inactive")
                await systemd.StopAsync(unit, cancellationToken).ConfigureAwait(false);
        }
        // Certificates of the authorities that are about to go.
        if (Directory.Exists(paths.ControlPlane.Run)) Directory.Delete(paths.ControlPlane.Run, recursive: true);
    }
}
