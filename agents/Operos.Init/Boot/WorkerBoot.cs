using Operos.Init.Fetch;
using Operos.Init.Modules;
using Operos.Init.Mounts;
using Operos.Init.Network;
using Operos.Init.Progress;
using Operos.Init.Settings;
using Operos.Linux;
using Operos.Release;
using static Operos.Linux.Mounts;

namespace Operos.Init.Boot;

/// <summary>A boot over the network into RAM: network, manifest, fetch, mount. Each step tries for ever.</summary>
internal sealed class WorkerBoot(BootSettings settings, Coldplug coldplug, ReleaseVerifier verifier, string kernelRelease, BootLog log)
{
    private const string ImageFolder = "/run/operos/image";
    private const string OverlayFolder = "/run/operos/overlay";

    /// <summary>What must be left beside the image for the system to start, in bytes.</summary>
    private const long Headroom = 64L << 20;

    /// <summary>Failed manifest fetches before the network is set up anew, and before the machine starts anew for a newer menu.</summary>
    private const int ManifestTriesPerNetwork = 5, ManifestTriesPerBoot = 40;
    private static readonly TimeSpan MemoryRetry = TimeSpan.FromSeconds(15);
    private const int MemoryTries = 8;

    private readonly ManifestFetch source = new(settings.Server!, settings.Release, verifier, kernelRelease);

    public void Run()
    {
        log.Phase("network", () => BringUp(trustLoader: true));
        while (true)
        {
            FetchedManifest? release = null;
            log.Phase("manifest", () =>
            {
                release = FetchManifest();
                return $"release {release.Manifest.Version} of {release.Manifest.Created:yyyy-MM-dd HH:mm} UTC, signature valid";
            });
            var layers = release!.Manifest.LayersOf(settings.Kind);
            RequireMemory(layers.Sum(layer => layer.Size));
            if (!TryFetch(release, layers)) continue;
            log.Phase("mount", () =>
            {
                Directory.CreateDirectory(OverlayFolder);
                Mount("tmpfs", OverlayFolder, "tmpfs", MountFlags.None, FileModes.MountOption(FileModes.ReadableFolder));
                LayerStack.Mount([.. layers.Select(layer => (layer.Name, Path.Combine(ImageFolder, layer.File)))], OverlayFolder);
                return $"{string.Join(" < ", layers.Select(layer => layer.Name))}, writable in RAM";
            });
            return;
        }
    }

    private string BringUp(bool trustLoader)
    {
        log.Network = new NetworkBringUp(settings, coldplug).Run(trustLoader);
        return $"{log.Network.Address} on {log.Network.Interface} ({log.Network.Mac}) from the "
            + $"{(log.Network.Source == "loader" ? "boot loader" : "DHCP server")}";
    }

    private FetchedManifest FetchManifest()
    {
        var backoff = new Backoff(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(15));
        for (var attempt = 1; ; attempt++)
        {
            string problem;
            try { return source.Fetch(); }
            catch (FetchException e) { problem = e.Message; }
            catch (ReleaseFormatException e) { problem = e.Message; }
            if (attempt >= ManifestTriesPerBoot) throw new BootException($"manifest: {problem}, {attempt} times");
            log.Retries++;
            var pause = backoff.Next();
            BootConsole.Warn("manifest", $"{problem}; trying again in {pause.TotalSeconds:0.0} s (attempt {attempt + 1})");
            Thread.Sleep(pause);
            if (attempt % ManifestTriesPerNetwork == 0) BootConsole.Say("network", BringUp(trustLoader: false));
        }
    }

    /// <summary>Refuses before the first byte is fetched; memory does not grow, so after a while the machine starts anew.</summary>
    private static void RequireMemory(long imageBytes)
    {
        for (var attempt = 1; ; attempt++)
        {
            var available = AvailableMemory();
            if (available >= imageBytes + Headroom) return;
            var text = $"not enough memory: the image needs {imageBytes / 1e6:0} MB and {Headroom / 1e6:0} MB to start, "
                + $"{available / 1e6:0} MB are available";
            if (attempt == MemoryTries) throw new BootException($"fetch: {text}; add memory to this machine");
            BootConsole.Warn("fetch",
                $"{text}; nothing was fetched; looking again in {MemoryRetry.TotalSeconds:0} s, add memory to this machine");
            Thread.Sleep(MemoryRetry);
        }
    }

    private static long AvailableMemory()
    {
        var line = File.ReadLines("/proc/meminfo").First(line => line.StartsWith("MemAvailable:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
            System.Globalization.CultureInfo.InvariantCulture) * 1024;
    }

    /// <summary>False where the release changed on the server in between: begin with its manifest again.</summary>
    private bool TryFetch(FetchedManifest release, IReadOnlyList<ReleaseLayer> layers)
    {
        var total = layers.Sum(layer => layer.Size);
        Directory.CreateDirectory(ImageFolder);
        Mount("tmpfs", ImageFolder, "tmpfs", MountFlags.NoSuid | MountFlags.NoDev,
            $"{FileModes.MountOption(FileModes.PrivateFolder)},size={total + (4L << 20)}");
        var start = SystemControl.BootMilliseconds();
        try
        {
            new LayerFetch(settings.Server!, release, source, ImageFolder, log)
                .Run(layers, new FetchProgress("fetch", $"{layers.Count} layers", total));
        }
        catch (ReleaseChangedException e)
        {
            Detach(ImageFolder);
            log.Restarts++;
            BootConsole.Warn("fetch", $"{e.Message}; beginning again with what it has now");
            return false;
        }
        var elapsed = SystemControl.BootMilliseconds() - start;
        foreach (var layer in layers)
            log.AddLayer(new BootLayer { Name = layer.Name, Bytes = layer.Size,
                Source = $"http://{settings.Server}/releases/{settings.Release}/{layer.File}", DurationMs = elapsed });
        log.Finish("fetch", start,
            $"{total / 1e6:0.0} MB in {layers.Count} layers, {total / 1e3 / Math.Max(1, elapsed):0.0} MB/s, every chunk verified"
            + (log.RefusedChunks > 0 ? $", {log.RefusedChunks} refused" : "") + (log.Retries > 0 ? $", {log.Retries} retries" : ""));
        return true;
    }
}
