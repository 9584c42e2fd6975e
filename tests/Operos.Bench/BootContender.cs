using Operos.Lab;

namespace Operos.Bench;

/// <summary>A way to boot a worker's layers into RAM.</summary>
/// <param name="Switches">The console's line when PID 1 of the initramfs leaves for the real root.</param>
/// <param name="Up">What the console shows once the real root's system is up.</param>
internal sealed record BootContender(string Name, string Initramfs, string Arguments, string Switches, string Up)
{
    /// <summary>
    /// For both alike: a serial console, and systemd's own lines on it, with the kernel's time stamps, not in a journal. operos-init leaves
    /// a console notices and up, unless a level is asked for.
    /// </summary>
    private const string Common = "console=ttyS0,115200 loglevel=8 systemd.log_target=kmsg systemd.show_status=no "
        + Build.GuestArguments;

    /// <summary>
    /// The image as a loader hands it over: the trust anchor's cpio behind the initramfs, at a multiple of four (buffer-format.rst).
    /// </summary>
    public static string WithAnchor(Build build, LabFolder folder)
    {
        var path = folder["operos.img"];
        using var image = File.Create(path);
        image.Write(File.ReadAllBytes(Path.Combine(build.Release, "initramfs.img")));
        image.SetLength((image.Length + 3) / 4 * 4);
        image.Seek(0, SeekOrigin.End);
        image.Write(File.ReadAllBytes(folder["setup/anchor.cpio"]));
        return path;
    }

    /// <param name="url">Of the HTTP server.</param>
    public static BootContender Operos(Build build, string initramfs, string url, string control) => new("operos", initramfs,
        $"operos.kind=worker operos.release={Path.GetFileName(build.Release)} operos.server={url} operos.control={control} {Common}",
        @"operos-init: \[.*\] switch: done", "operos-worker: enrolled as ([0-9a-f-]{36})");

    /// <summary>
    /// Debian's dracut as its manual sets a diskless machine up (dracut.cmdline(7)): DHCP on any NIC, <c>rd.neednet</c> as no root names a
    /// network file system, the image in RAM and a tmpfs over it. No pause, debug or check is asked for.
    /// </summary>
    public static BootContender Dracut(string folder, string url) => new("dracut", Path.Combine(folder, "initramfs.img"),
        $"root=live:{url}/flat.squashfs rd.live.image rd.live.overlay.overlayfs=1 ip=dhcp rd.neednet=1 {Common}",
        @"systemd\[1\]: Switching root\.", "login:");
}
