namespace Operos.Init.Mounts;

/// <summary>Partitions by their GPT name, as the kernel tells it in sysfs: no device manager is needed.</summary>
internal static class Partitions
{
    /// <param name="specification"><c>PARTLABEL=name</c> or <c>/dev/name</c>.</param>
    /// <returns>The device, or null while there is none.</returns>
    public static string? Find(string specification, string sysfs = "/sys", string dev = "/dev")
    {
        const string label = "PARTLABEL=";
        if (!specification.StartsWith(label, StringComparison.Ordinal)) return File.Exists(specification) ? specification : null;
        var wanted = "PARTNAME=" + specification[label.Length..];
        var blocks = Path.Combine(sysfs, "class/block");
        if (!Directory.Exists(blocks)) return null;
        foreach (var block in Directory.EnumerateFileSystemEntries(blocks).Order(StringComparer.Ordinal))
        {
            try
            {
                if (File.ReadLines(Path.Combine(block, "uevent")).Contains(wanted, StringComparer.Ordinal))
                    return Path.Combine(dev, Path.GetFileName(block));
            }
            catch (IOException) { }
        }
        return null;
    }
}
