using Operos.Linux;
using Operos.Storage.Looks;

namespace Operos.Worker.Disks;

/// <summary>
/// Which disks are this machine's to use. A kernel shows every disk to each container on it: only one whose node is in our own
/// <c>/dev</c>, with the number that the kernel tells, may be meant for us; and in a container none is.
/// </summary>
/// <param name="root">Another place than <c>/</c>, for a test.</param>
internal sealed class DeviceNodes(string root = "/")
{
    /// <summary>How the names of our own device-mapper devices begin.</summary>
    public const string OwnName = "operos-";
    private readonly string container = Path.Combine(root, "run/systemd/container"), sysfs = Path.Combine(root, "sys"),
        devices = Path.Combine(root, "dev");

    /// <summary>Why no disk here is to be touched; null where this machine is a machine of its own.</summary>
    public string? Foreign => File.Exists(container)
        ? $"this machine is a container ({PrintableText.Line(File.ReadAllText(container)) ?? "of some kind"}): disks are its host's" : null;

    /// <summary>What changes with a disk that comes, goes or grows.</summary>
    public string Signature()
    {
        var folder = Path.Combine(sysfs, "block");
        return !Directory.Exists(folder) ? "" : string.Join(' ', Directory.EnumerateFileSystemEntries(folder)
            .Select(path => Path.GetFileName(path)).Where(IsNews).Order(StringComparer.Ordinal)
            .Select(name => $"{name}:{Read($"block/{name}/size")}:{Read($"block/{name}/diskseq")}"));
    }

    /// <summary>
    /// Whether it is a disk of this machine: not the image of a layer, nor what was made of a disk's partition here, nor a volume of Ceph,
    /// which is a pod's, and from which nothing can be read once Ceph has shut this machine out.
    /// </summary>
    public bool IsDisk(DiskFacts disk) => IsHere(disk) && disk.Transport != Transport.File && !IsVolume(disk.Name)
        && !Read($"block/{disk.Name}/dm/name").StartsWith(OwnName, StringComparison.Ordinal);

    public bool IsHere(DiskFacts disk) => Read($"block/{disk.Name}/dev") is { Length: > 0 } number
        && BlockDevice.NumberOf(Path.Combine(devices, disk.Name.Replace('!', '/'))) == number;

    /// <summary>Whether a device is there with all that it is made of: a disk that was pulled leaves what was made of it behind.</summary>
    /// <param name="device">Its number.</param>
    public bool IsThere(string device) => IsWhole(Path.Combine("dev/block", device));

    private bool IsWhole(string device)
    {
        var folder = Path.Combine(sysfs, device);
        if (!Directory.Exists(folder)) return false;
        // Of a file whose file system was taken away the kernel tells another name.
        if (Read(Path.Combine(device, "loop/backing_file")) is { Length: > 0 } file && !File.Exists(file)) return false;
        var below = Path.Combine(folder, "slaves");
        try
        {
            return !Directory.Exists(below) || Directory.EnumerateFileSystemEntries(below).ToList() is var parts
                && (parts.Count > 0 || !File.Exists(Path.Combine(folder, "dm/name"))) && parts.All(IsWhole);
        }
        // It is being pulled.
        catch (IOException) { return false; }
    }

    /// <summary>Whether a device is made of the one at a path.</summary>
    public bool IsOn(string device, string path) => BlockDevice.NumberOf(path) is { } number
        && Directory.Exists(Path.Combine(sysfs, "dev/block", device, "slaves"))
        && Directory.EnumerateFileSystemEntries(Path.Combine(sysfs, "dev/block", device, "slaves"))
            .Any(part => Read(Path.Combine(part, "dev")) == number);

    /// <summary>What we make ourselves on disks, or what images lie on, is no news.</summary>
    private static bool IsNews(string name) => !name.StartsWith("loop", StringComparison.Ordinal)
        && !name.StartsWith("dm-", StringComparison.Ordinal) && !IsVolume(name);

    private static bool IsVolume(string name) => name.StartsWith("rbd", StringComparison.Ordinal);

    private string Read(string file)
    {
        try { return File.ReadAllText(Path.Combine(sysfs, file)).Trim(); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return ""; }
    }
}
