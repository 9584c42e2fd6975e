using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Operos.Linux;
using Operos.Proto;

namespace Operos.Node.Network;

/// <summary>
/// Closes to pods what machines serve to each other and to operators (nftables, a table of our own). A packet is judged where it still can
/// be told from a machine's own: on its way through the node of its pod, since that node's address hides it from there on, and again where
/// it arrives. What machines serve to strangers is also kept from pods that would serve it in their place.
/// </summary>
internal sealed class NodeFirewall(KubernetesNode cluster, IPAddress address)
{
    public const string Table = "operos-firewall";
    private const string Machines = "machines";
    private const int UsualControlPort = 7443, UsualBootPort = 7480, Dns = 53;
    private readonly IPAddress? controller = IPAddress.TryParse(new Uri(cluster.ApiServer).Host, out var ip) ? ip : null;
    private string applied = "", listed = "";
    private uint? generation;

    /// <summary>
    /// TCP ports of every machine: SSH, etcd's two, the control port, the boot server's. Loopback addresses are closed whatever the port.
    /// </summary>
    internal IReadOnlyList<int> TcpPorts => [22, 2379, 2380, ControlPort, BootPort];

    /// <summary>
    /// A monitor's port, and those of which Ceph's other daemons take the first that are free (ms_bind_port_min, ms_bind_port_max). Where
    /// there is no Ceph they are anybody's.
    /// </summary>
    private string Ceph() => cluster.HasCeph ? "        tcp dport { 3300, 6800-7568 } counter drop" : "";

    /// <summary>UDP ports of every machine: DHCP and its boot service, TFTP, NTP, names on the link.</summary>
    internal static IReadOnlyList<int> UdpPorts => [67, 68, 69, 123, 4011, 5353, 5355];

    private int ControlPort => Port(cluster.ControlPort, UsualControlPort);
    private int BootPort => Port(cluster.BootPort, UsualBootPort);
    private int ApiPort => new Uri(cluster.ApiServer).Port;

    /// <summary>
    /// Brings the table to what the nodes ask for, in one transaction. Again costs a question to the kernel, and changes nothing unless
    /// somebody else changed the table.
    /// </summary>
    /// <returns>How it stands, in words.</returns>
    /// <exception cref="NodeException">nft failed; what was in force still is.</exception>
    public async Task<string> ApplyAsync(ClusterNodes nodes, CancellationToken cancellationToken)
    {
        var machines = new SortedSet<string>(nodes.All.Select(node => node.Address).Append(address).Append(controller)
            .Where(other => other?.AddressFamily == AddressFamily.InterNetwork).Select(other => other!.ToString()), StringComparer.Ordinal);
        // Asked before the table is looked at: what changes meanwhile is seen next time.
        var now = NftablesGeneration.Read();
        if (now is not null && now == generation && nodes.IsComplete && Ruleset(machines) == applied) return Text();
        var present = await ListAsync(cancellationToken).ConfigureAwait(false);
        // Until the API server has told the nodes, those count that an agent before this one knew.
        if (!nodes.IsComplete && present is not null) machines.UnionWith(await ReadMachinesAsync(cancellationToken).ConfigureAwait(false));
        var ruleset = Ruleset(machines);
        if (ruleset != applied || present is null || present != listed)
        {
            await HostProgram.RunAsync("nft", ["-f", "-"], cancellationToken, ruleset).ConfigureAwait(false);
            (applied, listed) = (ruleset, await ListAsync(cancellationToken).ConfigureAwait(false) ?? "");
            now = null;
        }
        generation = now;
        return Text();

        string Text() => $"{TcpPorts.Count + UdpPorts.Count} ports of {machines.Count} machines are closed to pods";
    }

    public static async Task ClearAsync(CancellationToken cancellationToken) =>
        await HostProgram.RunAsync("nft", ["-f", "-"], cancellationToken, $"table inet {Table}\ndelete table inet {Table}\n")
            .ConfigureAwait(false);

    internal string Ruleset(IEnumerable<string> machines) => $$"""
        table inet {{Table}}
        delete table inet {{Table}}
        table inet {{Table}} {
            set {{Machines}} { type ipv4_addr; elements = { {{string.Join(", ", machines)}} } }
            chain loopback {
                type filter hook prerouting priority raw; policy accept;
                iifname != "lo" ip daddr 127.0.0.0/8 counter drop
            }
            chain input {
                type filter hook input priority filter - 5; policy accept;
                iifname "lo" accept
                ct direction reply accept
                iifname "veth*" goto closed
                iifname "cali*" goto closed
                ip saddr {{cluster.PodNetwork}} goto closed
                ip daddr {{cluster.PodNetwork}} goto closed
                ct status dnat goto closed
        {{OtherAddresses()}}
            }
            chain forward {
                type filter hook forward priority filter - 5; policy accept;
                ct direction reply accept
                ip daddr @{{Machines}} goto closed
                meta nfproto ipv6 iifname "veth*" {{OfPodsIpv6}}
                meta nfproto ipv6 iifname "cali*" {{OfPodsIpv6}}
            }
            chain closed {
                tcp dport { {{List(TcpPorts)}} } counter drop
        {{Ceph()}}
                udp dport { {{List(UdpPorts)}} } counter drop
            }
        {{KeptPorts()}}
        }

        """;

    /// <summary>
    /// Our pods have no IPv6 address: who sends it made one up, to reach a machine by one that no Node tells. An add-on's pods may have
    /// some.
    /// </summary>
    private string OfPodsIpv6 => cluster.OwnNetwork ? "counter drop" : "goto closed";

    /// <summary>
    /// A pod's host port, or a service with the controller's address for its own, would have the kernel lead there what is meant for the
    /// controller: a machine that boots would load the pod's kernel, and take the pod's time. The first rule that translates a connection
    /// is the only one, so ours comes before theirs, and leads to the controller itself.
    /// </summary>
    private string KeptPorts() => controller?.AddressFamily != AddressFamily.InterNetwork ? "" : $$"""
            chain arriving {
                type nat hook prerouting priority -110; policy accept;
                jump kept
            }
            chain leaving {
                type nat hook output priority -110; policy accept;
                jump kept
            }
            chain kept {
                ip daddr {{controller}} tcp dport { {{List([Dns, ControlPort, BootPort, ApiPort])}} } dnat ip to {{controller}}
                ip daddr {{controller}} udp dport { {{List([Dns, 67, 69, 123, 4011])}} } dnat ip to {{controller}}
            }
        """;

    /// <summary>
    /// Other nodes know one address of the controller, so a pod's packet to another one looks as a machine's here: nobody is served there.
    /// </summary>
    private string OtherAddresses() =>
        address.Equals(controller) ? $"        ip daddr != {address} tcp dport {{ {List([ControlPort, BootPort])} }} counter drop" : "";

    /// <summary>The table without its counters; null where there is none.</summary>
    private static async Task<string?> ListAsync(CancellationToken cancellationToken)
    {
        var result = await HostProgram.TryAsync("nft", ["--stateless", "list", "table", "inet", Table], cancellationToken)
            .ConfigureAwait(false);
        return result.Code == 0 ? result.Output : null;
    }

    /// <summary>As <c>nft -j list set</c> prints them (libnftables-json(5)); none where the table is not as ours is.</summary>
    private static async Task<IReadOnlyList<string>> ReadMachinesAsync(CancellationToken cancellationToken)
    {
        var result = await HostProgram.TryAsync("nft", ["-j", "list", "set", "inet", Table, Machines], cancellationToken)
            .ConfigureAwait(false);
        if (result.Code != 0) return [];
        using var json = JsonDocument.Parse(result.Output);
        return [.. json.RootElement.GetProperty("nftables").EnumerateArray()
            .Where(item => item.TryGetProperty("set", out var set) && set.TryGetProperty("elem", out _))
            .SelectMany(item => item.GetProperty("set").GetProperty("elem").EnumerateArray())
            .Where(element => element.ValueKind == JsonValueKind.String && IPAddress.TryParse(element.GetString(), out _))
                .Select(element => element.GetString()!)];
    }

    private static int Port(int told, int usual) => told is > 0 and < 65536 ? told : usual;

    private static string List(IEnumerable<int> numbers) =>
        string.Join(", ", numbers.Distinct().Order().Select(number => number.ToString(CultureInfo.InvariantCulture)));
}
