using System.Net;
using Operos.Release;

namespace Operos.Init.Settings;

/// <summary>What the kernel command line asks for, checked. initramfs/README.md documents each argument.</summary>
internal sealed record BootSettings
{
    public required string Kind { get; init; }
    public required string Release { get; init; }

    /// <summary>The boot server; null on a disk boot.</summary>
    public IPEndPoint? Server { get; init; }
    public string? Control { get; init; }
    public LoaderAddress? Address { get; init; }

    /// <summary>The NIC that the firmware booted from, as a MAC in lower case.</summary>
    public string? BootMac { get; init; }
    public string? Images { get; init; }
    public string? Overlay { get; init; }
    public string? Generation { get; init; }

    /// <exception cref="BootException">An argument is missing or malformed; the text names it.</exception>
    public static BootSettings Read(KernelCommandLine line)
    {
        var kind = line.Get("operos.kind") ?? "worker";
        if (kind is not ("worker" or "controller")) throw new BootException($"operos.kind={kind} is neither worker nor controller");
        var release = line.Get("operos.release") ?? throw new BootException("operos.release is missing on the kernel command line");
        if (!ReleaseManifest.IsVersion(release)) throw new BootException("operos.release is not a release's name");
        var images = line.Get("operos.images");
        var generation = line.Get("operos.generation");
        if (generation is not null && !ReleaseManifest.IsVersion(generation))
            throw new BootException("operos.generation is not a generation's name");
        return new BootSettings
        {
            Kind = kind,
            Release = release,
            Server = images is null ? ReadServer(line.Get("operos.server")) : null,
            Control = line.Get("operos.control"),
            Address = LoaderAddress.Parse(line.Get("ip")),
            BootMac = ReadBootIf(line.Get("BOOTIF")),
            Images = images,
            Overlay = line.Get("operos.overlay"),
            Generation = generation,
        };
    }

    private static IPEndPoint ReadServer(string? url)
    {
        if (url is null) throw new BootException("operos.server is missing on the kernel command line");
        const string scheme = "http://";
        if (!url.StartsWith(scheme, StringComparison.Ordinal) || !IPEndPoint.TryParse(url[scheme.Length..].TrimEnd('/'), out var server))
            throw new BootException($"operos.server={url} is not http://ADDRESS:PORT");
        return server.Port == 0 ? new IPEndPoint(server.Address, 80) : server;
    }

    /// <summary>PXELINUX writes the hardware type first, then the MAC, with dashes: <c>01-52-54-00-12-34-56</c>.</summary>
    internal static string? ReadBootIf(string? value)
    {
        if (value is null) return null;
        var mac = value.Length == 20 ? value[3..] : value;
        mac = mac.Replace('-', ':').ToLowerInvariant();
        return mac.Length == 17 && mac.Split(':') is { Length: 6 } parts
            && parts.All(part => part.Length == 2 && part.All(char.IsAsciiHexDigit)) ? mac : null;
    }
}
