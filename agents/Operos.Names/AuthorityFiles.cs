using System.Net;
using System.Text;
using Operos.Linux;
using Operos.Linux.Supervision;

namespace Operos.Names;

/// <summary>What knotd reads: its configuration with the key of updates, and a file a zone. All are its user's and nobody else's.</summary>
internal sealed class AuthorityFiles(ZonePlan plan, TransactionKey key, IPEndPoint listen, string folder)
{
    /// <summary>unix(7): 108 with the zero byte.</summary>
    private const int LongestSocketPath = 107;

    public string Configuration => Path.Combine(folder, "knot.conf");

    /// <summary>Writes all; what a knotd that runs must do to follow it.</summary>
    /// <param name="serial">The zones' serial number.</param>
    /// <param name="runs">Whether one does.</param>
    /// <exception cref="IOException">They cannot be written.</exception>
    /// <exception cref="LinuxException">They cannot be given to knotd's user.</exception>
    public DaemonChange Write(IReadOnlyDictionary<string, HashSet<ResourceRecord>> zones, uint serial, bool runs)
    {
        // knotd would end with code 0 and its reason somewhere in its log.
        var socket = Path.Combine(folder, "knot.sock");
        if (Encoding.UTF8.GetByteCount(socket) > LongestSocketPath)
            throw new IOException(
                $"{socket} is longer than the {LongestSocketPath} bytes of a socket's path; give --run a shorter folder");
        if (!runs && Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(folder, FileModes.GroupFolder);
        Ownership.Give(folder, KnotConfiguration.User);
        WriteZones(zones, serial);
        // Each agent has a key of its own, which is read when it is told to; some other settings are read at a start alone.
        var text = KnotConfiguration.Write(plan, listen, key, folder);
        var same = runs && File.Exists(Configuration) && WithoutKey(File.ReadAllText(Configuration)) == WithoutKey(text);
        Put(Configuration, text);
        return same ? DaemonChange.Reload : DaemonChange.Restart;
    }

    /// <summary>Writes the zones alone, for the next knotd to read.</summary>
    /// <exception cref="IOException">As with <see cref="Write"/>.</exception>
    /// <exception cref="LinuxException">As with <see cref="Write"/>.</exception>
    public void WriteZones(IReadOnlyDictionary<string, HashSet<ResourceRecord>> zones, uint serial)
    {
        foreach (var (zone, records) in zones)
            Put(Path.Combine(folder, zone + ".zone"), ZoneFile.Write(zone, plan.ServerName, serial, records));
    }

    private static void Put(string path, string text)
    {
        AtomicFile.Write(path, Encoding.ASCII.GetBytes(text));
        Ownership.Give(path, KnotConfiguration.User);
    }

    private static string WithoutKey(string configuration) =>
        string.Join('\n', configuration.Split('\n').Where(line => !line.TrimStart().StartsWith("secret:", StringComparison.Ordinal)));
}
