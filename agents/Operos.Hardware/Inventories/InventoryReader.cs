using System.Globalization;
using Operos.Linux;

namespace Operos.Hardware.Inventories;

/// <summary>Reads the inventory of this machine from sysfs, the SMBIOS table and procfs, without any program.</summary>
/// <param name="sysfs">Another place than <c>/sys</c>, for a machine that was recorded.</param>
public sealed class InventoryReader(string sysfs = "/sys", string procfs = "/proc")
{
    private const byte System = 1, Board = 2, Chassis = 3, Processor = 4, MemoryDevice = 17;
    private const long SectorSize = 512;
    private const int MaxFileBytes = 256 * 1024;
    private const string TpmDevice = "/dev/tpmrm0";

    public Inventory Read()
    {
        var smbios = Smbios.Read(ReadBytes("firmware/dmi/tables/DMI"));
        SmbiosStructure? First(byte type) => smbios.FirstOrDefault(structure => structure.Type == type);
        var system = First(System);
        return new Inventory
        {
            System = Identify(system) with { Uuid = system?.Uuid(8) },
            Board = Identify(First(Board)),
            OtherBoards = [.. smbios.Where(structure => structure.Type == Board).Skip(1).Take(Inventory.MaxParts).Select(Identify)],
            Chassis = First(Chassis) is { } chassis ? new Identity { Vendor = chassis.Text(4), Serial = chassis.Text(7) } : new Identity(),
            FirmwareVersion = First(0)?.Text(5),
            Cpus = [.. smbios.Where(structure => structure.Type == Processor && (structure.Byte(24) & 0x40) != 0).Take(Inventory.MaxParts)
                .Select(ReadCpu)],
            LogicalCpus = Environment.ProcessorCount,
            MemoryBytes = ReadMemory(),
            MemoryModules = [.. smbios.Where(structure => structure.Type == MemoryDevice).Select(ReadModule)
                .Where(module => module.Bytes > 0).Take(Inventory.MaxParts)],
            Nics = [.. NetworkInterface.Physical(sysfs).Take(Inventory.MaxParts).Select(ReadNic)],
            Disks = [.. ReadDisks().Take(Inventory.MaxParts)],
            Tpm = ReadText("class/tpm/tpm0/tpm_version_major"),
            TpmEndorsementKey = ReadEndorsementKey(),
        };
    }

    /// <summary>Of this machine's own TPM 2.0; a recorded machine has none to ask.</summary>
    private string? ReadEndorsementKey()
    {
        if (sysfs != "/sys" || !File.Exists(TpmDevice)) return null;
        try
        {
            using var device = new FileStream(TpmDevice, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
            return Inventories.TpmEndorsementKey.Read(device);
        }
        // Switched off in the firmware's setup, busy, or without this curve: the machine has other evidence.
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return null; }
    }

    private static Identity Identify(SmbiosStructure? structure) => structure is null ? new Identity() : new Identity
    {
        Vendor = structure.Text(4), Product = structure.Text(5), Serial = structure.Text(7),
    };

    private static Cpu ReadCpu(SmbiosStructure structure) => new()
    {
        Socket = structure.Text(4),
        Model = structure.Text(16),
        Cores = structure.Byte(35) == 255 ? structure.Word(42) : structure.Byte(35),
        Threads = structure.Byte(37) == 255 ? structure.Word(46) : structure.Byte(37),
    };

    private static MemoryModule ReadModule(SmbiosStructure structure)
    {
        // DSP0134, 7.18.5: 0 is an empty slot, 0xFFFF unknown, 0x7FFF says to look further, bit 15 chooses KiB.
        long size = structure.Word(12);
        var bytes = size switch
        {
            0 or 0xFFFF => 0,
            0x7FFF => (long)(structure.Double(28) & 0x7FFF_FFFF) << 20,
            _ when (size & 0x8000) != 0 => (size & 0x7FFF) << 10,
            _ => size << 20,
        };
        return new MemoryModule { Slot = structure.Text(16), Vendor = structure.Text(23), Serial = structure.Text(24),
            Part = structure.Text(26), Bytes = bytes };
    }

    private long ReadMemory()
    {
        var path = Path.Combine(procfs, "meminfo");
        var line = File.Exists(path)
            ? File.ReadLines(path).FirstOrDefault(line => line.StartsWith("MemTotal:", StringComparison.Ordinal)) : null;
        return line?.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, var kib, ..]
            && long.TryParse(kib, CultureInfo.InvariantCulture, out var value) ? value * 1024 : 0;
    }

    private Nic ReadNic(NetworkInterface nic) => new()
    {
        Name = nic.Name,
        Mac = PrintableText.Line(sysfs == "/sys" ? nic.PermanentMac : nic.Mac)?.ToLowerInvariant(),
        Driver = LinkName($"class/net/{nic.Name}/device/driver"),
    };

    /// <summary>Whole disks with hardware behind them; loop, RAM, device-mapper and optical devices are none.</summary>
    private IEnumerable<Disk> ReadDisks()
    {
        var folder = Path.Combine(sysfs, "block");
        if (!Directory.Exists(folder)) yield break;
        foreach (var entry in Directory.EnumerateFileSystemEntries(folder).Order(StringComparer.Ordinal))
        {
            var name = Path.GetFileName(entry);
            if (!Directory.Exists(Path.Combine(entry, "device")) || name.StartsWith("sr", StringComparison.Ordinal)
                || name.StartsWith("fd", StringComparison.Ordinal)) continue;
            _ = long.TryParse(ReadText($"block/{name}/size"), CultureInfo.InvariantCulture, out var sectors);
            if (sectors <= 0) continue;
            yield return new Disk
            {
                Name = name,
                Wwn = ReadText($"block/{name}/wwid") ?? ReadText($"block/{name}/device/wwid"),
                Serial = ReadText($"block/{name}/serial") ?? ReadText($"block/{name}/device/serial") ?? ReadVitalSerial(name),
                Model = ReadText($"block/{name}/device/model"),
                Bytes = sectors * SectorSize,
                Rotational = ReadText($"block/{name}/queue/rotational") == "1",
            };
        }
    }

    /// <summary>Vital product data page 0x80, the unit serial number (SPC-4, 7.8.17).</summary>
    private string? ReadVitalSerial(string disk)
    {
        var page = ReadBytes($"block/{disk}/device/vpd_pg80");
        return page.Length < 4 ? null : PrintableText.Line(
            global::System.Text.Encoding.Latin1.GetString(page.AsSpan(4, Math.Min(page.Length - 4, page[2] << 8 | page[3]))));
    }

    private string? LinkName(string path)
    {
        try { return new FileInfo(Path.Combine(sysfs, path)).LinkTarget is { } target
            ? PrintableText.Line(Path.GetFileName(target)) : null; }
        catch (IOException) { return null; }
    }

    private string? ReadText(string path) =>
        ReadBytes(path) is { Length: > 0 } bytes ? PrintableText.Line(global::System.Text.Encoding.UTF8.GetString(bytes)) : null;

    private byte[] ReadBytes(string path) => KernelFile.Read(Path.Combine(sysfs, path), MaxFileBytes);
}
