using Operos.Linux;
using static Operos.Linux.Mounts;

namespace Operos.Init.Mounts;

/// <summary>Leaves the initramfs for the system (switch_root(8)): frees its memory, moves the mounts, becomes systemd.</summary>
internal static class RootSwitch
{
    /// <summary>What pack.sh puts into the initramfs; all else at the top are mounts.</summary>
    private static readonly string[] InitramfsEntries = ["init", "etc", "usr", "lib", "lib64", "bin", "sbin", "root"];

    public static void Go(string newRoot)
    {
        foreach (var mount in (string[])["/dev", "/proc", "/sys", "/run"])
        {
            Directory.CreateDirectory(newRoot + mount);
            Mount(mount, newRoot + mount, null, MountFlags.Move);
        }
        foreach (var entry in InitramfsEntries) Remove("/" + entry);
        MoveToRoot(newRoot);
        SystemControl.Execute("/sbin/init", ["/sbin/init"], ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/", "TERM=linux"]);
    }

    private static void Remove(string path)
    {
        try
        {
            var info = new FileInfo(path);
            if (info.LinkTarget is not null || info.Exists) info.Delete();
            else if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
        }
        // What cannot be removed costs some memory, and the boot goes on.
        catch (IOException) { }
        catch (UnauthorizedAccessException) { }
    }
}
