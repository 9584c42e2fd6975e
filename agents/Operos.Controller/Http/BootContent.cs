using System.Text;
using Operos.Controller.Boot;

namespace Operos.Controller.Http;

/// <summary>What a path stands for: a file on disk, or bytes in memory.</summary>
internal sealed record BootContent(string? File, byte[]? Bytes, string ETag, string Type)
{
    public static BootContent OfText(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return new BootContent(null, bytes, $"\"{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes))[..16]}\"", "text/plain");
    }

    /// <param name="hash">The file's hash where it is known; size and time stand for it otherwise.</param>
    public static BootContent? OfFile(string path, string? hash = null)
    {
        var info = new FileInfo(path);
        return info.Exists ? new BootContent(path, null, hash is null ? $"\"{info.Length:x}-{info.LastWriteTimeUtc.Ticks:x}\"" : $"\"{hash}\"", "application/octet-stream") : null;
    }
}

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
            ["", "releases", var version, var name] => releases.Find(version, name, out var hash) is { } file ? BootContent.OfFile(file, hash) : null,
            ["", "boot", "anchor.cpio"] => BootContent.OfFile(anchor),
            ["", "boot", "pxelinux.cfg", "default"] => BootContent.OfText(menu.Pxelinux()),
            // Where Debian's GRUB looks when it came over HTTP, and beside the loader.
            ["", "boot", "grub.cfg"] or ["", "grub", "grub.cfg"] or ["", "boot", "efi", "grub", "grub.cfg"] => BootContent.OfText(menu.Grub()),
            ["", "boot", "efi", var name] when Efi.Contains(name) => BootContent.OfFile(loaders.PathOf(name)),
            ["", "boot", var name] when Efi.Contains(name) => BootContent.OfFile(loaders.PathOf(name)),
            ["", var name] when Efi.Contains(name) => BootContent.OfFile(loaders.PathOf(name)),
            _ => null,
        };
    }
}
