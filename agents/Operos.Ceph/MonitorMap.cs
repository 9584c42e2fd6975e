using System.Net;
using System.Net.Sockets;

namespace Operos.Ceph;

/// <summary>Which cluster of Ceph it is, and where its monitors are: what each daemon and client must know.</summary>
public sealed record MonitorMap
{
    /// <summary>The port of msgr2, which alone is spoken.</summary>
    public const int Port = 3300;

    private const int MostMonitors = 9;

    private MonitorMap(Guid fsid, IReadOnlyList<string> monitors) => (Fsid, Monitors) = (fsid, monitors);

    public Guid Fsid { get; }

    /// <summary><c>IP:3300</c> each.</summary>
    public IReadOnlyList<string> Monitors { get; }

    public static MonitorMap Of(Guid fsid, IPAddress monitor) => new(fsid, [new IPEndPoint(monitor, Port).ToString()]);

    /// <summary>What somebody else said.</summary>
    /// <returns>Null where it names no cluster, or something else than 1 to 9 addresses of IPv4 with a port.</returns>
    public static MonitorMap? Read(Guid fsid, IReadOnlyList<string>? monitors) =>
        fsid != Guid.Empty && monitors is { Count: > 0 and <= MostMonitors } && monitors.All(IsAddress) ? new(fsid, [.. monitors]) : null;

    // What is read must be what is written: IPEndPoint takes a number for an address, and no port for 0.
    private static bool IsAddress(string? text) =>
        text is not null && IPEndPoint.TryParse(text, out var end) && end is { Port: > 0, AddressFamily: AddressFamily.InterNetwork }
        && end.ToString() == text;
}
