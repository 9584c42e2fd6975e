using Operos.Init.Progress;
using Operos.Linux;

namespace Operos.Init.Modules;

/// <summary>Loads a driver for every device that the kernel has found, by modalias, until nothing new appears.</summary>
internal sealed class Coldplug : IDisposable
{
    /// <summary>What no device asks for by modalias; crc32c-generic stands for a soft dependency of ext4.</summary>
    private static readonly string[] Always = ["loop", "squashfs", "overlay", "af_packet", "crc32c_generic", "ext4"];

    private readonly KernelModules modules = new();
    private readonly HashSet<string> seen = new(StringComparer.Ordinal);

    public int Loaded { get; private set; }

    public void LoadFileSystems()
    {
        foreach (var name in Always) Loaded += modules.Load(name, Failed);
    }

    /// <summary>One walk over the devices. A bus driver makes new devices appear: walk again until this answers 0.</summary>
    public int LoadForDevices()
    {
        var before = seen.Count;
        foreach (var alias in Aliases("/sys/bus").ToList())
            if (seen.Add(alias)) Loaded += modules.Load(alias, Failed);
        return seen.Count - before;
    }

    public void Dispose() => modules.Dispose();

    /// <summary>The network first: fetching waits for it, disks do not.</summary>
    private static IEnumerable<string> Aliases(string buses)
    {
        foreach (var bus in Directory.EnumerateDirectories(buses))
        {
            var devices = Path.Combine(bus, "devices");
            if (!Directory.Exists(devices)) continue;
            foreach (var device in Directory.EnumerateFileSystemEntries(devices))
            {
                string alias;
                try { alias = File.ReadAllText(Path.Combine(device, "modalias")).Trim(); }
                catch (IOException) { continue; }
                catch (UnauthorizedAccessException) { continue; }
                if (alias.Length is > 0 and < 1024) yield return alias;
            }
        }
    }

    private static void Failed(string module, int errno) =>
        BootConsole.Warn("modules", $"{module} was not loaded (errno {errno}); going on without it");
}
