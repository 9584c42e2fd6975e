using System.Net;
using System.Net.Sockets;
using Operos.Kubernetes;
using Operos.Node.Network;
using Operos.Proto;

namespace Operos.Node;

/// <summary>What the machine itself decides of its configuration.</summary>
public sealed record NodeFacts
{
    private const string ConnectionTableSize = "/proc/sys/net/netfilter/nf_conntrack_max";
    private const string ResolvedServers = "/run/systemd/resolve/resolv.conf";

    public required KubernetesVersion Version { get; init; }

    /// <summary>The node's own address on the machines' network.</summary>
    public required IPAddress Address { get; init; }

    /// <summary>The name servers that the host uses; not systemd-resolved's stub, which a pod does not reach.</summary>
    public string ResolvConf { get; init; } = ResolvedServers;

    /// <summary>Whether kube-proxy sizes the table of connections; in a network namespace the kernel refuses it.</summary>
    public bool SizesConnectionTable { get; init; } = true;

    /// <exception cref="NodeException">There is no route to the API server.</exception>
    /// <exception cref="IOException">The image has no Kubernetes.</exception>
    public static async Task<NodeFacts> ReadAsync(KubernetesNode cluster, CancellationToken cancellationToken) => new()
    {
        Version = KubernetesVersion.ReadInstalled(),
        Address = NodeInterface.AddressTowards(await ResolveAsync(new Uri(cluster.ApiServer).Host, cancellationToken)
            .ConfigureAwait(false)),
        ResolvConf = File.Exists(ResolvedServers) ? ResolvedServers : "/etc/resolv.conf",
        SizesConnectionTable = IsWritable(ConnectionTableSize),
    };

    private static async Task<IPAddress> ResolveAsync(string host, CancellationToken cancellationToken)
    {
        if (IPAddress.TryParse(host, out var literal)) return literal;
        try { return (await Dns.GetHostAddressesAsync(host, AddressFamily.InterNetwork, cancellationToken).ConfigureAwait(false))[0]; }
        catch (Exception e) when (e is SocketException or IndexOutOfRangeException) { throw new NodeException(
            $"the API server's name {host} cannot be resolved: {e.Message}", e); }
    }

    /// <summary>A table that the module has not made yet is the machine's own.</summary>
    private static bool IsWritable(string path)
    {
        try
        {
            using var file = File.Open(path, FileMode.Open, FileAccess.Write);
            return true;
        }
        catch (UnauthorizedAccessException) { return false; }
        catch (IOException) { return !File.Exists(path); }
    }
}
