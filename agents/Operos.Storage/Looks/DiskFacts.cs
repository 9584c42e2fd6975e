using System.Globalization;

namespace Operos.Storage.Looks;

/// <summary>How a disk is attached.</summary>
public enum Transport
{
    /// <summary>In no way that is known.</summary>
    Unknown,
    Sata,
    Sas,
    Nvme,
    Virtio,
    /// <summary>A virtual machine's, or an array controller's.</summary>
    Scsi,
    Mmc,
    Usb,
    /// <summary>Somewhere else, and others may see it too: iSCSI, Fibre Channel, NVMe over fabrics, RBD, NBD, DRBD.</summary>
    Network,
    /// <summary>Made of other devices: device-mapper, md.</summary>
    Stacked,
    /// <summary>RAM.</summary>
    Memory,
    Optical,
    Floppy,
    /// <summary>A file (loop(4)), or an image that is read as one.</summary>
    File,
}

/// <summary>A partition as the kernel knows it.</summary>
public sealed record PartitionFacts(string Name, long Offset, long Bytes);

/// <summary>What the kernel tells of a disk. Strings are printable and short.</summary>
public sealed record DiskFacts
{
    /// <summary>Its name in <c>/sys/block</c>, such as <c>sda</c>.</summary>
    public required string Name { get; init; }
    public long Bytes { get; init; }
    /// <summary>Of its logical sectors, in bytes.</summary>
    public int LogicalSector { get; init; } = 512;
    public int PhysicalSector { get; init; } = 512;
    public bool IsReadOnly { get; init; }
    public bool IsRemovable { get; init; }
    public bool IsRotational { get; init; }
    /// <summary>Whether it can be written from the start of a zone alone.</summary>
    public bool IsZoned { get; init; }
    public Transport Transport { get; init; }
    public string? Vendor { get; init; }
    public string? Model { get; init; }
    public string? Serial { get; init; }
    /// <summary>The world-wide name, as the kernel writes it.</summary>
    public string? Wwn { get; init; }
    public IReadOnlyList<PartitionFacts> Partitions { get; init; } = [];
    /// <summary>What uses it or a partition of it, such as <c>dm-0</c>, <c>mounted at /var</c>, <c>swap</c>.</summary>
    public IReadOnlyList<string> Uses { get; init; } = [];
    /// <summary>Where it is attached, as sysfs names the way to it, such as <c>pci0000:00/0000:00:04.0/virtio1</c>; null where it is not
    /// known.</summary>
    public string? Attachment { get; init; }
    /// <summary>Whether the running system was read from it.</summary>
    public bool IsBootMedium { get; init; }

    /// <summary>Of its device, such as <c>/dev/sda</c>, or of its image.</summary>
    public string Path { get => field ?? PathOf(Name); init; }

    /// <summary>Of the device of a disk or a partition.</summary>
    public static string PathOf(string name) => $"/dev/{name.Replace('!', '/')}";

    /// <summary>What sysfs calls the device at a path below <c>/dev</c>.</summary>
    internal static string NameOf(string path) =>
        (path.StartsWith("/dev/", StringComparison.Ordinal) ? path["/dev/".Length..] : path).Replace('/', '!');

    /// <summary>Of a partition's device, as the kernel makes its name.</summary>
    public string PathOfPartition(int number) =>
        string.Create(CultureInfo.InvariantCulture, $"{Path}{(char.IsAsciiDigit(Name[^1]) ? "p" : "")}{number}");

    /// <summary>Whether a path is a partition's of this disk, as the kernel makes their names.</summary>
    public bool HasPartition(string path) => path.StartsWith(Path, StringComparison.Ordinal) && path[Path.Length..] is { Length: > 0 } rest
        && (char.IsAsciiDigit(Path[^1]) ? rest[0] == 'p' ? rest[1..] : "" : rest) is { Length: > 0 } number
        && number.All(char.IsAsciiDigit);

    /// <summary>What is behind USB and only looks like a disk: an image that a management controller shows.</summary>
    public bool IsVirtualMedia => Transport == Transport.Usb && $"{Vendor} {Model}" is var name
        && (name.Contains("virtual", StringComparison.OrdinalIgnoreCase) || name.Contains("File-Stor Gadget", StringComparison.Ordinal)
            || name.Contains("OpenBMC", StringComparison.Ordinal) || name.Contains("iDRAC", StringComparison.Ordinal)
            || name.Contains("iLO", StringComparison.Ordinal));
}
