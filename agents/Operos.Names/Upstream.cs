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
    /// <param name="ours">Addresses at which this name server itself is reached.</param>
    public static UpstreamServers Find(IReadOnlyList<IPAddress> configured, IReadOnlyList<IPAddress> machines,
        IReadOnlyList<IPAddress> ours)
    {
        // Machines are told of us, and this machine may ask us: there that is no mistake.
        var ourselves = configured.Intersect(ours).ToList();
        foreach (var source in new[] { configured, machines }.Concat(Files.Select(Read)))
            if (source.Except(ours).Take(MaxServers).ToList() is { Count: > 0 } others) return new(others, ourselves);
        return new([], ourselves);
    }

    internal static IEnumerable<IPAddress> Parse(IEnumerable<string> lines) =>
        lines.Select(line => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
            .Where(words => words is ["nameserver", _, ..])
            .Select(words => IPAddress.TryParse(words[1], out var address) && address.AddressFamily == AddressFamily.InterNetwork
                ? address : null).OfType<IPAddress>();

    private static IReadOnlyList<IPAddress> Read(string file)
    {
        try { return [.. Parse(File.ReadLines(file))]; }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return []; }
    }
}

/// <summary>Who is there to be asked.</summary>
/// <param name="Ourselves">What the configuration names and is this name server itself: it is not asked.</param>
internal sealed record UpstreamServers(IReadOnlyList<IPAddress> Servers, IReadOnlyList<IPAddress> Ourselves)
{
    public bool IsSame(UpstreamServers other) => Servers.SequenceEqual(other.Servers) && Ourselves.SequenceEqual(other.Ourselves);
}
