using Operos.Linux;

namespace Operos.Controller.Setup;

/// <summary>
/// The controller's own boot partition (ESP), mounted as long as this lives; none where there is none, as on a machine that boots
/// otherwise.
/// </summary>
internal sealed class BootPartition : IDisposable
{
    private const string Device = "/dev/disk/by-partlabel/operos-esp";
    private readonly bool mounted;

    /// <param name="folder">Where it is mounted already; null to mount it.</param>
    /// <param name="run">Where to.</param>
    /// <exception cref="LinuxException">It cannot be mounted.</exception>
    public BootPartition(string? folder, string run)
    {
        Folder = folder;
        if (folder is not null || !File.Exists(Device)) return;
        Folder = Path.Combine(run, "esp");
        Directory.CreateDirectory(Folder, FileModes.PrivateFolder);
        Mounts.Mount(Device, Folder, "vfat", Mounts.MountFlags.NoSuid | Mounts.MountFlags.NoDev | Mounts.MountFlags.NoExec);
        mounted = true;
    }

    public string? Folder { get; }

    public void Dispose()
    {
        if (mounted) Mounts.Detach(Folder!);
    }
}
