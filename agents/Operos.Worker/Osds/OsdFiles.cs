using System.Globalization;
using System.Text;
using Operos.Ceph;
using Operos.Ceph.Osds;
using Operos.Linux;
using Operos.Worker.Disks;

namespace Operos.Worker.Osds;

/// <summary>
/// What an OSD and the programs around it read. All of it is in RAM, and is made anew at each boot. The daemons' user has a folder for each
/// OSD, of which nothing is believed; what this agent knows of them is in files that are root's.
/// </summary>
internal sealed class OsdFiles(OsdPaths paths)
{
    private const string Prefix = "osd-";

    /// <summary>Writes what the units read; the device is the daemon's from then on.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public async Task WriteAsync(OsdTarget target, OsdGrantedKey grant, OsdPlace place, CancellationToken cancellationToken)
    {
        var (id, data) = (grant.Id, paths.Data(grant.Id));
        Directory.CreateDirectory(paths.Run, FileModes.ReadableFolder);
        Directory.CreateDirectory(paths.DataFolders, FileModes.PassableFolder);
        // Of whatever stood in it nothing counts.
        await RemoveAsync(id, cancellationToken).ConfigureAwait(false);
        OsdFolder.Make(data, target, paths.User, $"[osd.{OsdPaths.Number(id)}]\n\tkey = {grant.Key.Text}\n");
        AtomicFile.Write(paths.Configuration(id), Encoding.UTF8.GetBytes(
            CephConfiguration.Osd(place.Map, data, place.Machine, place.Rack, place.Memory.Target, data)), FileModes.Readable);
        var (arguments, making) = (string.Join(' ', Arguments(id, place.Memory)), string.Join(' ', Making(id, target.Id)));
        AtomicFile.Write(paths.Environment(id), Encoding.UTF8.GetBytes($"{Whose(target)}\nARGS={arguments}\nMKFS={making}\n"));
    }

    public IReadOnlyList<string> Arguments(int id, OsdMemory memory) => [.. Common(id), .. memory.Arguments];

    public IReadOnlyList<string> Making(int id, Guid osd) => [.. Common(id), "--mkfs", "--osd-uuid", $"{osd}"];

    private IReadOnlyList<string> Common(int id) => ["-i", OsdPaths.Number(id), "-c", paths.Configuration(id)];

    /// <summary>Whether this number is that OSD's, on that device, since this boot.</summary>
    public bool IsOf(int id, OsdTarget target) => FirstLine(id) == Whose(target);

    /// <summary>
    /// The OSDs that were made or started since the boot, and not given up. One whose file cannot be read is none of ours.
    /// </summary>
    public IReadOnlyList<KnownOsd> Known()
    {
        if (!Directory.Exists(paths.Run)) return [];
        return [.. Directory.EnumerateFiles(paths.Run, Prefix + "*.env")
            .Select(path => Path.GetFileNameWithoutExtension(path)[Prefix.Length..])
            .Select(name => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                && OsdPaths.Number(id) == name ? id : -1)
            .Where(id => id >= 0).Select(KnownAt).OfType<KnownOsd>()];
    }

    /// <summary>Removes all of an OSD that does not run.</summary>
    /// <exception cref="IOException">Its folder is not to be removed.</exception>
    public async Task RemoveAsync(int id, CancellationToken cancellationToken)
    {
        await OsdFolder.RemoveAsync(paths.Data(id), cancellationToken).ConfigureAwait(false);
        File.Delete(paths.Configuration(id));
        File.Delete(paths.Environment(id));
    }

    /// <summary>A comment, for systemd.</summary>
    private static string Whose(OsdTarget target) => $"# osd {target.Id} on {target.Partition.Path} of {target.Disk.Path}";

    private KnownOsd? KnownAt(int id) => FirstLine(id)?.Split(' ') is ["#", "osd", var osd, "on", _, "of", var disk]
        && Guid.TryParse(osd, out var uuid) ? new(id, uuid, disk) : null;

    private string? FirstLine(int id)
    {
        try { return File.ReadLines(paths.Environment(id)).FirstOrDefault(); }
        catch (IOException) { return null; }
    }
}

/// <summary>An OSD that has files here.</summary>
/// <param name="Disk">The disk's device that it was on.</param>
internal sealed record KnownOsd(int Id, Guid Osd, string Disk);

/// <summary>What the controller gave for an OSD.</summary>
internal sealed record OsdGrantedKey(int Id, CephKey Key);

/// <summary>Where an OSD is in the cluster, and what its machine gives it.</summary>
internal sealed record OsdPlace(MonitorMap Map, Guid Machine, string? Rack, OsdMemory Memory);
