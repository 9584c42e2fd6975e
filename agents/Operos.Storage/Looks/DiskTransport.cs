namespace Operos.Storage.Looks;

/// <summary>How disks are attached: by their names, and by what lies between them and the machine in sysfs.</summary>
internal sealed class DiskTransport(string sysfs)
{
    private static readonly (string Prefix, Transport Transport)[] Names =
    [
        ("vd", Transport.Virtio), ("xvd", Transport.Scsi), ("mmcblk", Transport.Mmc), ("sr", Transport.Optical), ("fd", Transport.Floppy),
        ("loop", Transport.File), ("dm-", Transport.Stacked), ("md", Transport.Stacked), ("bcache", Transport.Stacked),
        ("zram", Transport.Memory), ("ram", Transport.Memory), ("pmem", Transport.Memory),
        ("nbd", Transport.Network), ("rbd", Transport.Network), ("drbd", Transport.Network),
    ];

    /// <summary>What a SCSI disk's path in sysfs passes; the first that does counts.</summary>
    private static readonly (string Part, Transport Transport)[] Paths =
    [
        ("/usb", Transport.Usb), ("/session", Transport.Network), ("/rport-", Transport.Network), ("/end_device-", Transport.Sas),
        ("/ata", Transport.Sata), ("/virtio", Transport.Virtio), ("/pci", Transport.Scsi), ("/vmbus", Transport.Scsi),
        ("/VMBUS", Transport.Scsi),
    ];

    public Transport Of(string name)
    {
        if (name.StartsWith("nvme", StringComparison.Ordinal)) return OfNvme(name);
        if (name.StartsWith("sd", StringComparison.Ordinal))
        {
            var path = PathOf(name);
            return Paths.FirstOrDefault(entry => path.Contains(entry.Part, StringComparison.Ordinal)).Transport;
        }
        // A card's boot areas are no disks.
        if (name.StartsWith("mmcblk", StringComparison.Ordinal) && (name.Contains("boot", StringComparison.Ordinal)
            || name.Contains("rpmb", StringComparison.Ordinal))) return Transport.Unknown;
        return Names.FirstOrDefault(entry => name.StartsWith(entry.Prefix, StringComparison.Ordinal)).Transport;
    }

    /// <summary>A namespace's controllers tell; one that shares a subsystem has several, and each must be in this machine.</summary>
    private Transport OfNvme(string name)
    {
        var device = Path.Combine(sysfs, "block", name, "device");
        if (!Directory.Exists(device)) return Transport.Unknown;
        var transports = Directory.EnumerateDirectories(device, "nvme*").Prepend(device).Select(folder => Path.Combine(folder, "transport"))
            .Where(File.Exists).Select(file => File.ReadAllText(file).Trim()).ToList();
        if (transports.Count > 0) return transports.All(transport => transport == "pcie") ? Transport.Nvme : Transport.Network;
        return PathOf(name).Contains("/pci", StringComparison.Ordinal) ? Transport.Nvme : Transport.Unknown;
    }

    /// <summary>The way to it, without the machine's own folder and the disk's name, which another boot may change; null where it is not
    /// known.</summary>
    public string? PlaceOf(string name)
    {
        var path = PathOf(name);
        var start = path.IndexOf("/devices/", StringComparison.Ordinal);
        var end = path.LastIndexOf("/block/", StringComparison.Ordinal);
        if (start < 0 || end <= start) return null;
        var place = path[(start + "/devices/".Length)..end];
        return place == "virtual" ? null : place;
    }

    private string PathOf(string name)
    {
        try { return Directory.ResolveLinkTarget(Path.Combine(sysfs, "block", name), returnFinalTarget: true)?.FullName ?? ""; }
        catch (IOException) { return ""; }
    }
}
