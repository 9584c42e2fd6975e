using System.Runtime.InteropServices;

namespace Operos.Linux;

/// <summary>mount(2), umount2(2), pivoting by MS_MOVE, and the space of a file system.</summary>
public static partial class Mounts
{
    [Flags]
    public enum MountFlags : ulong
    {
        None = 0,
        ReadOnly = 1,
        NoSuid = 2,
        NoDev = 4,
        NoExec = 8,
        Remount = 32,
        Bind = 4096,
        Move = 8192,
        NoAtime = 1024,
    }

    public static void Mount(string source, string target, string? type, MountFlags flags = MountFlags.None, string? data = null) =>
        LinuxException.Check(mount(source, target, type, (ulong)flags, data), "mount", $"{source} on {target}");

    /// <summary>What is mounted below it later, or on its copies, is not repeated at the other (MS_PRIVATE).</summary>
    public static void MakePrivate(string target) =>
        LinuxException.Check(mount("none", target, null, MS_PRIVATE, null), "mount", $"{target} as private");

    /// <summary>Detaches a mount at once, lazily (MNT_DETACH).</summary>
    public static void Detach(string target) => LinuxException.Check(umount2(target, MNT_DETACH), "umount2", target);

    /// <summary>Takes a mount away that nobody uses; of one in use it says so (EBUSY).</summary>
    public static void Unmount(string target) => LinuxException.Check(umount2(target, UMOUNT_NOFOLLOW), "umount2", target);

    /// <summary>Makes the mount at <paramref name="newRoot"/> this process's root (switch_root(8)).</summary>
    public static void MoveToRoot(string newRoot)
    {
        LinuxException.Check(chdir(newRoot), "chdir", newRoot);
        LinuxException.Check(mount(".", "/", null, (ulong)MountFlags.Move, null), "mount", $"{newRoot} on /");
        LinuxException.Check(chroot("."), "chroot", newRoot);
        LinuxException.Check(chdir("/"), "chdir", "/");
    }

    private const int MNT_DETACH = 2, UMOUNT_NOFOLLOW = 8;
    private const ulong MS_PRIVATE = 1 << 18;

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mount(string source, string target, string? type, ulong flags, string? data);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int umount2(string target, int flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int chdir(string path);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int chroot(string path);
}
