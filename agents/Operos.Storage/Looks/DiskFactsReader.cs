using System.Globalization;
using System.Text;
using Operos.Linux;

namespace Operos.Storage.Looks;

/// <summary>Reads what the kernel tells of disks, from sysfs and procfs, without opening any of them.</summary>
/// <param name="sysfs">Another place than <c>/sys</c>, for a machine that was recorded.</param>
public sealed class DiskFactsReader(string sysfs = "/sys", string procfs = "/proc")
{
    private const long SectorSize = 512;
    private const int MaxFileBytes = 4096, MaxTableBytes = 1 << 20, MaxDisks = 1024;

    /// <summary>Every block device but partitions, in the order of their names.</summary>
    /// <param name="bootMedium">The name of the disk that the running system was read from, where it was.</param>
    public IReadOnlyList<DiskFacts> Read(string? bootMedium = null)
    {
        var folder = Path.Combine(sysfs, "block");
        if (!Directory.Exists(folder)) return [];
        var mounts = new DeviceUses(ReadTable("self/mountinfo"), ReadTable("swaps"));
        return [.. Directory.EnumerateFileSystemEntries(folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)
            // A path of a disk with several, which the kernel shows as one other (NVMe).
            .Where(name => ReadText($"block/{name}/hidden") != "1").Take(MaxDisks)
            .Select(name => TryRead(name, mounts)).OfType<DiskFacts>()
            .Select(facts => facts with { IsBootMedium = facts.Name == bootMedium })];
    }

    /// <summary>One disk; null where it is not there.</summary>
    /// <param name="name">Its name in <c>/sys/block</c>.</param>
    public DiskFacts? Find(string name) => name.Contains('/') || !Directory.Exists(Path.Combine(sysfs, "block", name)) ? null
        : TryRead(name, new DeviceUses(ReadTable("self/mountinfo"), ReadTable("swaps")));

    /// <summary>Null of a disk that was pulled meanwhile: it is none any more, and the others are still there.</summary>
    private DiskFacts? TryRead(string name, DeviceUses uses)
    {
        try { return Read(name, uses); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return null; }
    }

    private DiskFacts Read(string name, DeviceUses uses)
    {
        var block = $"block/{name}";
        var partitions = PartitionsOf(block).ToList();
        var nodes = partitions.Select(partition => (partition.Name, Folder: $"{block}/{partition.Name}"))
            .Prepend((Name: name, Folder: block));
        return new DiskFacts
        {
            Name = PrintableText.Line(name) ?? "?",
            Bytes = ReadNumber($"{block}/size") * SectorSize,
            LogicalSector = (int)Math.Clamp(ReadNumber($"{block}/queue/logical_block_size"), 512, 1 << 20),
            PhysicalSector = (int)Math.Clamp(ReadNumber($"{block}/queue/physical_block_size"), 512, 1 << 20),
            IsReadOnly = ReadText($"{block}/ro") == "1",
            IsRemovable = ReadText($"{block}/removable") == "1",
            IsRotational = ReadText($"{block}/queue/rotational") == "1",
            IsZoned = ReadText($"{block}/queue/zoned") == "host-managed",
            Transport = new DiskTransport(sysfs).Of(name),
            Vendor = ReadText($"{block}/device/vendor"),
            Model = ReadText($"{block}/device/model"),
            Serial = ReadText($"{block}/serial") ?? ReadText($"{block}/device/serial") ?? ReadVitalSerial(block),
            Wwn = ReadText($"{block}/wwid") ?? ReadText($"{block}/device/wwid"),
            Attachment = PrintableText.Line(new DiskTransport(sysfs).PlaceOf(name)),
            Partitions = partitions,
            Uses = [.. nodes.SelectMany(node => HoldersOf(node.Folder)
                .Concat(uses.Of(node.Name, ReadText($"{node.Folder}/dev")))).Distinct().Take(32)],
        };
    }

    private IEnumerable<PartitionFacts> PartitionsOf(string block)
    {
        var folder = Path.Combine(sysfs, block);
        if (!Directory.Exists(folder)) yield break;
        foreach (var path in Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal).Take(512))
        {
            if (!File.Exists(Path.Combine(path, "partition"))) continue;
            var name = Path.GetFileName(path);
            yield return new(name, ReadNumber($"{block}/{name}/start") * SectorSize, ReadNumber($"{block}/{name}/size") * SectorSize);
        }
    }

    private IEnumerable<string> HoldersOf(string node)
    {
        var folder = Path.Combine(sysfs, node, "holders");
        return !Directory.Exists(folder) ? [] : Directory.EnumerateFileSystemEntries(folder)
            .Select(path => PrintableText.Line(Path.GetFileName(path))).OfType<string>().Order(StringComparer.Ordinal);
    }

    /// <summary>Vital product data page 0x80, the unit serial number (SPC-4, 7.8.17).</summary>
    private string? ReadVitalSerial(string block)
    {
        var page = KernelFile.Read(Path.Combine(sysfs, block, "device/vpd_pg80"), MaxFileBytes);
        return page.Length < 4 ? null
            : PrintableText.Line(Encoding.Latin1.GetString(page.AsSpan(4, Math.Min(page.Length - 4, page[2] << 8 | page[3]))));
    }

    private string? ReadText(string path) => KernelFile.Read(Path.Combine(sysfs, path), MaxFileBytes) is { Length: > 0 } bytes
        ? PrintableText.Line(Encoding.UTF8.GetString(bytes)) : null;

    private long ReadNumber(string path) =>
        long.TryParse(ReadText(path), NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value < long.MaxValue / SectorSize
            ? value : 0;

    private string[] ReadTable(string path) =>
        Encoding.UTF8.GetString(KernelFile.Read(Path.Combine(procfs, path), MaxTableBytes))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
