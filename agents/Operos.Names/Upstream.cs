using System.Net;
using System.Net.Sockets;

namespace Operos.Names;

/// <summary>The servers that are asked for names outside the cluster.</summary>
internal static class Upstream
{
    private const int MaxServers = 8;
    /// <summary>What systemd-resolved itself asks; resolv.conf then names only its stub, which would ask us for names of ours.</summary>
    private static readonly string[] Files = ["/run/systemd/resolve/resolv.conf", "/etc/resolv.conf"];

    /// <summary>Those of the configuration, else those that machines are told, else those of this machine; never ourselves.</summary>
    public static IReadOnlyList<IPAddress> Find(IReadOnlyList<IPAddress> configured, IReadOnlyList<IPAddress> machines, IPAddress self)
    {
        if (Without(configured, self) is { Count: > 0 } ours) return ours;
        if (Without(machines, self) is { Count: > 0 } theirs) return theirs;
        return Files.Select(file => Without(Read(file), self)).FirstOrDefault(servers => servers.Count > 0) ?? [];
    }

    internal static IEnumerable<IPAddress> Parse(IEnumerable<string> lines) =>
        lines.Select(line => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
            .Where(words => words is ["nameserver", _, ..])
            .Select(words => IPAddress.TryParse(words[1], out var address) && address.AddressFamily == AddressFamily.InterNetwork
                ? address : null).OfType<IPAddress>();

    private static IEnumerable<IPAddress> Read(string file)
    {
        try { return [.. Parse(File.ReadLines(file))]; }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return []; }
    }

    private static List<IPAddress> Without(IEnumerable<IPAddress> servers, IPAddress self) =>
        [.. servers.Where(server => !server.Equals(self)).Distinct().Take(MaxServers)];
}
