namespace Operos.Storage.Looks;

/// <summary>
/// The disk that the running system's layers are on. A machine that booted over a network has them in memory, and has none.
/// </summary>
/// <param name="sysfs">Another place than <c>/sys</c>, for a machine that was recorded.</param>
public sealed class BootMedium(string sysfs = "/sys", string procfs = "/proc")
{
    private const string Layers = "/run/operos/layers/";
    private const int MostLines = 65536;

    /// <summary>Its name in <c>/sys/block</c>; null where there is none.</summary>
    public string? Find()
    {
        try
        {
            var mounts = ReadMounts().ToList();
            foreach (var layer in mounts.Where(mount => mount.Point.StartsWith(Layers, StringComparison.Ordinal)))
            {
                // A layer is mounted from a loop device, whose file is on what was mounted under it last.
                var loop = Path.Combine(sysfs, "dev/block", layer.Device, "loop/backing_file");
                if (!File.Exists(loop)) continue;
                var file = File.ReadAllText(loop).Trim();
                var below = mounts.Where(mount => IsUnder(file, mount.Point)).MaxBy(mount => mount.Point.Length);
                if (below.Device is not null && DiskOf(below.Device) is { } disk) return disk;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }
        return null;
    }

    private IEnumerable<(string Device, string Point)> ReadMounts() =>
        File.ReadLines(Path.Combine(procfs, "self/mountinfo")).Take(MostLines).Select(line => line.Split(' '))
            .Where(words => words.Length > 4).Select(words => (words[2], words[4]));

    private static bool IsUnder(string file, string point) =>
        point == "/" || (file.StartsWith(point, StringComparison.Ordinal) && file.Length > point.Length && file[point.Length] == '/');

    /// <summary>A partition's folder in sysfs is in its disk's.</summary>
    private string? DiskOf(string device)
    {
        var link = new FileInfo(Path.Combine(sysfs, "dev/block", device));
        if (link.ResolveLinkTarget(returnFinalTarget: true)?.FullName is not { } folder) return null;
        return File.Exists(Path.Combine(folder, "partition")) ? Path.GetFileName(Path.GetDirectoryName(folder)) : Path.GetFileName(folder);
    }
}
