using Operos.Init.Fetch;
using Operos.Init.Modules;
using Operos.Init.Mounts;
using Operos.Init.Progress;
using Operos.Init.Settings;
using Operos.Linux;
using Operos.Release;
using static Operos.Linux.Mounts;

namespace Operos.Init.Boot;

/// <summary>
/// A boot from the machine's own disk: the layers of a partition, hashed before they are mounted, and a persistent upper.
/// </summary>
internal sealed class ControllerBoot(BootSettings settings, Coldplug coldplug, ReleaseVerifier verifier, string kernelRelease, BootLog log)
{
    private const string ImagesFolder = "/run/operos/images";
    private const string OverlayFolder = "/run/operos/overlay";
    private static readonly TimeSpan DiskPatience = TimeSpan.FromMinutes(5);

    public void Run()
    {
        log.Phase("disk", MountPartitions);
        var folder = Path.Combine(ImagesFolder, "releases", settings.Release);
        ReleaseManifest? manifest = null;
        log.Phase("manifest", () =>
        {
            manifest = ReadManifest(folder);
            return $"release {manifest.Version} of {manifest.Created:yyyy-MM-dd HH:mm} UTC, signature valid";
        });
        var layers = manifest!.LayersOf(settings.Kind);
        log.Phase("verify", () => Verify(manifest, layers, folder));
        log.Phase("mount", () =>
        {
            var generation = Path.Combine(OverlayFolder, "generations", settings.Generation
                ?? throw new BootException("operos.generation is missing on the kernel command line"));
            if (!Directory.Exists(generation)) throw new BootException($"the overlay partition has no generation {settings.Generation}");
            LayerStack.Mount([.. layers.Select(layer => (layer.Name, Path.Combine(folder, layer.File)))], generation);
            return $"{string.Join(" < ", layers.Select(layer => layer.Name))}, generation {settings.Generation}";
        });
    }

    private string MountPartitions()
    {
        var images = Wait(settings.Images!);
        var overlay = Wait(settings.Overlay ?? throw new BootException("operos.overlay is missing on the kernel command line"));
        MountAt(images, ImagesFolder, MountFlags.ReadOnly);
        MountAt(overlay, OverlayFolder, MountFlags.NoAtime);
        return $"images on {images}, overlay on {overlay}";
    }

    private static void MountAt(string device, string folder, MountFlags flags)
    {
        Directory.CreateDirectory(folder);
        Mount(device, folder, "ext4", flags);
    }

    /// <summary>Disks may be slow to appear: waits, and says for what.</summary>
    private string Wait(string specification)
    {
        var start = Environment.TickCount64;
        var said = start;
        while (true)
        {
            if (Partitions.Find(specification) is { } device) return device;
            coldplug.LoadForDevices();
            if (Environment.TickCount64 - start > DiskPatience.TotalMilliseconds)
                throw new BootException($"disk: no partition {specification} appeared in {DiskPatience.TotalMinutes:0} minutes");
            if (Environment.TickCount64 - said > 5000)
            {
                said = Environment.TickCount64;
                BootConsole.Say("disk", $"waiting for the partition {specification} ({(said - start) / 1000} s)");
            }
            Thread.Sleep(50);
        }
    }

    private ReleaseManifest ReadManifest(string folder)
    {
        try
        {
            var manifest = verifier.Verify(File.ReadAllBytes(Path.Combine(folder, "release.json")),
                File.ReadAllBytes(Path.Combine(folder, "release.json.sig")));
            if (manifest.Version != settings.Release) throw new BootException($"{folder} holds release {manifest.Version}");
            if (manifest.KernelRelease != kernelRelease)
                throw new BootException($"release {manifest.Version} is for kernel {manifest.KernelRelease}, and {kernelRelease} runs");
            return manifest;
        }
        catch (Exception e) when (e is IOException or ReleaseFormatException) { throw new BootException($"manifest: {e.Message}"); }
    }

    /// <summary>Every chunk is read and hashed once; the page cache then serves the mount.</summary>
    private string Verify(ReleaseManifest manifest, IReadOnlyList<ReleaseLayer> layers, string folder)
    {
        var total = layers.Sum(layer => layer.Size);
        var progress = new FetchProgress("verify", $"{layers.Count} layers", total);
        long verified = 0;
        foreach (var layer in layers)
        {
            var path = Path.Combine(folder, layer.File);
            var start = Environment.TickCount64;
            using var file = File.OpenHandle(path);
            if (RandomAccess.GetLength(file) != layer.Size)
                throw new BootException($"verify: {path} has {RandomAccess.GetLength(file)} bytes, not {layer.Size}");
            Parallel.For(0, layer.Chunks.Count, () => new byte[manifest.ChunkSize], (index, _, buffer) =>
            {
                var chunk = buffer.AsSpan(0, (int)Math.Min(manifest.ChunkSize, layer.Size - (long)index * manifest.ChunkSize));
                if (RandomAccess.Read(file, chunk, (long)index * manifest.ChunkSize) != chunk.Length
                    || !ReleaseVerifier.Matches(chunk, layer.Chunks[index]))
                    throw new BootException($"verify: {path}: chunk {index} does not match the signed release");
                progress.Report(Interlocked.Add(ref verified, chunk.Length), "");
                return buffer;
            }, _ => { });
            var elapsed = Environment.TickCount64 - start;
            log.AddLayer(new BootLayer { Name = layer.Name, Bytes = layer.Size, Source = path, DurationMs = elapsed });
        }
        return $"{total / 1e6:0.0} MB in {layers.Count} layers";
    }
}
