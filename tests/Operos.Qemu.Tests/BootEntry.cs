using System.Text.RegularExpressions;
using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>The first entry of the boot menu that the controller serves, as a kernel that QEMU starts at once.</summary>
internal static partial class BootEntry
{
    /// <param name="mac">Of the NIC that firmware would have booted from: the loader hands it on.</param>
    public static async Task<DirectKernel> ReadAsync(Rack rack, string mac)
    {
        var menu = rack.Folder["run/tftp/pxelinux.cfg/default"];
        var entry = await rack.Budget.Wait("the controller has written its boot menu").ForAsync(async () =>
        {
            var text = File.Exists(menu) ? await File.ReadAllTextAsync(menu, rack.Over) : "";
            return Entry().Match(text) is { Success: true } found ? found : null;
        }, rack.Over);
        var release = Path.Combine(rack.Controller.Releases, entry.Groups[1].Value);
        // As the loader hands it over: the trust anchor's cpio behind the initramfs, at a multiple of four (buffer-format.rst).
        var image = await File.ReadAllBytesAsync(Path.Combine(release, "initramfs.img"), rack.Over);
        Array.Resize(ref image, (image.Length + 3) / 4 * 4);
        var initramfs = InitramfsPath(rack);
        var anchor = await File.ReadAllBytesAsync(rack.Folder["setup/anchor.cpio"], rack.Over);
        await File.WriteAllBytesAsync(initramfs, [.. image, .. anchor], rack.Over);
        return new DirectKernel(Path.Combine(release, "vmlinuz"), initramfs, $"{entry.Groups[2].Value} BOOTIF=01-{mac.Replace(':', '-')}");
    }

    public static string InitramfsPath(Rack rack) => rack.Folder["initramfs-and-anchor.img"];

    [GeneratedRegex(@"^LABEL boot\n.*\n  KERNEL \S+/releases/(\S+)/vmlinuz\n.*\n  APPEND (.*)$", RegexOptions.Multiline)]
    private static partial Regex Entry();
}
