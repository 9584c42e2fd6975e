using System.Text;
using Operos.Linux;

namespace Operos.Controller.Boot;

/// <summary>The boot loaders that firmware fetches, from the distribution's packages, gathered in the TFTP root beside the menus.</summary>
internal sealed class LoaderFiles(string loaders, string tftpRoot, BootMenu menu)
{
    /// <summary>
    /// Name on the wire, and where Debian's packages pxelinux, syslinux-common, shim-signed, grub-efi-amd64-signed and memtest86+ put it.
    /// </summary>
    private static readonly (string Name, string Source)[] Table =
    [
        ("lpxelinux.0", "usr/lib/PXELINUX/lpxelinux.0"),
        ("ldlinux.c32", "usr/lib/syslinux/modules/bios/ldlinux.c32"),
        ("libutil.c32", "usr/lib/syslinux/modules/bios/libutil.c32"),
        ("menu.c32", "usr/lib/syslinux/modules/bios/menu.c32"),
        ("memtest86+x64.bin", "boot/memtest86+x64.bin"),
        ("memtest86+x64.efi", "boot/memtest86+x64.efi"),
        ("shimx64.efi", "usr/lib/shim/shimx64.efi.signed"),
        // The shim asks for its second stage by this name, from where it came itself.
        ("grubx64.efi", "usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed"),
    ];

    /// <summary>Files that UEFI HTTP boot and GRUB fetch from the HTTP server.</summary>
    public static IEnumerable<string> EfiNames =>
        Table.Select(file => file.Name).Where(name => name.EndsWith(".efi", StringComparison.Ordinal));

    public string PathOf(string name) => Path.Combine(tftpRoot, name);

    /// <summary>Puts them there, before its first wait; then waits until cancelled.</summary>
    /// <exception cref="FileNotFoundException">A loader is not installed.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        Install();
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(false);
    }

    /// <exception cref="FileNotFoundException">A loader is not installed.</exception>
    public void Install()
    {
        Open(tftpRoot);
        foreach (var (name, source) in Table)
        {
            var from = Path.Combine(loaders, source);
            if (!File.Exists(from))
                throw new FileNotFoundException(
                $"the boot loader {from} is not installed: install Debian's pxelinux, syslinux-common, shim-signed, grub-efi-amd64-signed "
                + $"and memtest86+");
            File.Copy(from, PathOf(name), overwrite: true);
            File.SetUnixFileMode(PathOf(name), FileModes.Readable);
        }
        WriteMenus();
    }

    /// <summary>Again when the releases change.</summary>
    public void WriteMenus()
    {
        Write("pxelinux.cfg/default", menu.Pxelinux());
        // Debian's signed GRUB for the network looks below /grub of the server that it came from.
        Write("grub/grub.cfg", menu.Grub());
    }

    /// <summary>A folder that dnsmasq, who is not root, reads.</summary>
    private static void Open(string folder)
    {
        Directory.CreateDirectory(folder);
        File.SetUnixFileMode(folder, FileModes.ReadableFolder);
    }

    private void Write(string name, string text)
    {
        var path = PathOf(name);
        Open(Path.GetDirectoryName(path)!);
        AtomicFile.Write(path, Encoding.ASCII.GetBytes(text), FileModes.Readable);
    }
}
