using System.Text.Json;
using Operos.Init.Settings;
using Operos.Linux;
using Operos.Release;

namespace Operos.Init.Progress;

/// <summary>Times the phases of a boot, says each on the console, and keeps what boot.json will tell.</summary>
internal sealed class BootLog
{
    private readonly List<BootPhase> phases = [];
    private readonly List<BootLayer> layers = [];

    public BootNetwork? Network { get; set; }
    public int Retries;
    public int RefusedChunks;
    public int Restarts { get; set; }

    public void AddLayer(BootLayer layer) => layers.Add(layer);

    public void ForgetLayers() => layers.Clear();

    /// <summary>Runs a phase; it answers with what the console shows of it.</summary>
    public void Phase(string name, Func<string> run)
    {
        var start = SystemControl.BootMilliseconds();
        var detail = run();
        Finish(name, start, detail);
    }

    public void Finish(string name, long start, string detail)
    {
        var end = SystemControl.BootMilliseconds();
        phases.Add(new BootPhase { Name = name, StartMs = start, EndMs = end, Detail = detail });
        BootConsole.Say(name, $"done in {(end - start) / 1000.0:0.00} s: {detail}");
    }

    public void Save(BootSettings settings, string kernelRelease)
    {
        var record = new BootRecord
        {
            Format = BootRecord.CurrentFormat,
            BootId = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim(),
            Release = settings.Release,
            KernelRelease = kernelRelease,
            Kind = settings.Kind,
            Firmware = Directory.Exists("/sys/firmware/efi") ? "uefi" : "bios",
            SecureBoot = IsLockedDown(),
            Network = Network,
            Server = settings.Server is null ? null : $"http://{settings.Server}",
            Control = settings.Control,
            Generation = settings.Generation,
            Phases = phases,
            Layers = layers,
            Retries = Retries,
            RefusedChunks = RefusedChunks,
            Restarts = Restarts,
            PeakMemoryBytes = PeakMemory(),
        };
        AtomicFile.Write(BootRecord.Path, JsonSerializer.SerializeToUtf8Bytes(record, ReleaseJson.Default.BootRecord), FileModes.Readable);
    }

    private static long PeakMemory()
    {
        var line = File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
            System.Globalization.CultureInfo.InvariantCulture) * 1024;
    }

    /// <summary>Debian's kernel locks itself down exactly when the firmware verified it (kernel_lockdown(7)).</summary>
    private static bool IsLockedDown()
    {
        try { return !File.ReadAllText("/sys/kernel/security/lockdown").Contains("[none]", StringComparison.Ordinal); }
        catch (IOException) { return false; }
    }
}
