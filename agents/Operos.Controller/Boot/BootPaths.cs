using Operos.Boot;

namespace Operos.Controller.Boot;

/// <summary>The URL space of the boot server. Names are looked up, never joined to a folder: no path leads outside.</summary>
internal sealed class BootPaths(ReleaseStore releases, LoaderFiles loaders, BootMenu menu, string anchor)
{
    private static readonly HashSet<string> Efi = [.. LoaderFiles.EfiNames];

    public BootContent? Find(string path)
    {
        var parts = path.Split('/');
        return parts switch
        {
            ["", "releases", "current"] => releases.Current is { } current ? BootContent.OfText(current.Manifest.Version + "\n") : null,
            ["", "releases", var version, var name] =>
                releases.Find(version, name, out var hash) is { } file ? BootContent.OfFile(file, hash) : null,
            ["", "boot", "anchor.cpio"] => BootContent.OfFile(anchor),
            ["", "boot", "pxelinux.cfg", "default"] => BootContent.OfText(menu.Pxelinux()),
            // Where Debian's GRUB looks when it came over HTTP, and beside the loader.
            ["", "boot", "grub.cfg"] or ["", "grub", "grub.cfg"] or ["", "boot", "efi", "grub", "grub.cfg"] =>
                BootContent.OfText(menu.Grub()),
            ["", "boot", "efi", var name] when Efi.Contains(name) => BootContent.OfFile(loaders.PathOf(name)),
            ["", "boot", var name] when Efi.Contains(name) => BootContent.OfFile(loaders.PathOf(name)),
            ["", var name] when Efi.Contains(name) => BootContent.OfFile(loaders.PathOf(name)),
            _ => null,
        };
    }
}
