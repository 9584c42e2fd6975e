using System.Net;

namespace Operos.Node.Network;

/// <summary>
/// Lets a node forward for its pods. What leaves the pod network gets the node's address (nftables, a table of our own): everything else,
/// other nodes too, so that an answer comes back even from a node whose routes are not there yet. Traffic between pods keeps its addresses,
/// and so do questions to the cluster's name server: it bounds what one address may ask, and the pods of a node are not to share that.
/// Services need no rule: kube-proxy has given their packets a pod's or a host's address before.
/// </summary>
/// <param name="nameServer">Where it is, if it has routes to all pods.</param>
public sealed class Forwarding(IPNetwork podNetwork, IPAddress? nameServer = null)
{
    public const string Table = "operos-node";
    private const string IpForward = "/proc/sys/net/ipv4/ip_forward";

    /// <summary>Replaces the table in one step.</summary>
    /// <exception cref="NodeException">The kernel or a program refused.</exception>
    public async Task ApplyAsync(CancellationToken cancellationToken)
    {
        try { if ((await File.ReadAllTextAsync(IpForward, cancellationToken).ConfigureAwait(false))
            .Trim() != "1") await File.WriteAllTextAsync(IpForward, "1\n", cancellationToken).ConfigureAwait(false); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { throw new NodeException(
            $"forwarding cannot be switched on: {e.Message}", e); }
        await HostProgram.RunAsync("nft", ["-f", "-"], cancellationToken, Ruleset(podNetwork, nameServer)).ConfigureAwait(false);
        // Docker, for one, sets this policy to DROP, and then no pod is reached.
        await HostProgram.RunAsync("iptables", ["-w", "10", "-P", "FORWARD", "ACCEPT"], cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Whether the table is there: a ruleset flushed by hand must not stay flushed.</summary>
    public static async Task<bool> IsAppliedAsync(CancellationToken cancellationToken) =>
        (await HostProgram.TryAsync("nft", ["list", "table", "ip", Table], cancellationToken).ConfigureAwait(false)).Code == 0;

    public static async Task ClearAsync(CancellationToken cancellationToken) =>
        await HostProgram.RunAsync("nft", ["-f", "-"], cancellationToken, $"table ip {Table}\ndelete table ip {Table}\n")
            .ConfigureAwait(false);

    internal static string Ruleset(IPNetwork podNetwork, IPAddress? nameServer) => $$"""
        table ip {{Table}}
        delete table ip {{Table}}
        table ip {{Table}} {
            chain postrouting {
                type nat hook postrouting priority srcnat; policy accept;
        {{Unchanged(podNetwork, nameServer)}}
                ip saddr {{podNetwork}} ip daddr != {{podNetwork}} counter masquerade fully-random
            }
        }

        """;

    private static string Unchanged(IPNetwork podNetwork, IPAddress? nameServer) => nameServer is null ? ""
        : $"        ip saddr {podNetwork} ip daddr {nameServer} meta l4proto {{ tcp, udp }} th dport 53 counter accept";
}
