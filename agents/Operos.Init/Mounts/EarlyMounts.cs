using Operos.Linux;
using static Operos.Linux.Mounts;

namespace Operos.Init.Mounts;

/// <summary>The file systems that PID 1 needs before anything else.</summary>
internal static class EarlyMounts
{
    private static readonly (string Source, string Target, string Type, MountFlags Flags, string? Data)[] Table =
    [
        ("proc", "/proc", "proc", MountFlags.NoSuid | MountFlags.NoDev | MountFlags.NoExec, null),
        ("sysfs", "/sys", "sysfs", MountFlags.NoSuid | MountFlags.NoDev | MountFlags.NoExec, null),
        ("devtmpfs", "/dev", "devtmpfs", MountFlags.NoSuid, FileModes.MountOption(FileModes.ReadableFolder)),
        ("tmpfs", "/run", "tmpfs", MountFlags.NoSuid | MountFlags.NoDev, FileModes.MountOption(FileModes.ReadableFolder)),
        ("securityfs", "/sys/kernel/security", "securityfs", MountFlags.NoSuid | MountFlags.NoDev | MountFlags.NoExec, null),
    ];

    public static void MountAll()
    {
        foreach (var (source, target, type, flags, data) in Table)
        {
            Directory.CreateDirectory(target);
            Mount(source, target, type, flags, data);
        }
        Directory.CreateDirectory("/run/operos");
    }
}
