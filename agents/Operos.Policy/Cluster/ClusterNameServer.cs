using System.Net;
using Operos.Policy.Addresses;
using Operos.Policy.Policies;

namespace Operos.Policy.Cluster;

/// <summary>
/// The cluster's name server as policies know one: the pods with the label <c>k8s-app: kube-dns</c> in <c>kube-system</c>, behind the
/// service <c>kube-dns</c>. Ours is no pod, and packets to it have its own address by the time that they are judged; what allows the pods,
/// or the service's address, allows its port.
/// </summary>
public sealed class ClusterNameServer
{
    private const string Namespace = "kube-system", NameLabel = "kubernetes.io/metadata.name";
    private const int Port = 53;
    private static readonly Dictionary<string, string?> PodLabels = new(StringComparer.Ordinal) { ["k8s-app"] = "kube-dns" };

    /// <summary>The ports by the names that such pods give them.</summary>
    private static readonly (Protocol Protocol, string Name)[] Ports = [(Protocol.Udp, "dns"), (Protocol.Tcp, "dns-tcp")];

    private readonly PodAddress server;
    private readonly AddressRange service;

    private ClusterNameServer(PodAddress server, PodAddress service) =>
        (this.server, this.service) = (server, new AddressRange(service.IsV6, service.Value, service.Value));

    /// <param name="server">Where it is reached itself.</param>
    /// <param name="service">The address of the service.</param>
    public static ClusterNameServer At(IPAddress server, IPAddress service) => new(PodAddress.Of(server), PodAddress.Of(service));

    internal bool IsV6 => server.IsV6;

    /// <summary>What a rule for packets to others allows of it, as nftables matches.</summary>
    internal IEnumerable<string> Allowed(PolicyRule rule, ClusterView view)
    {
        if (rule.Peers is null && rule.Ports is null) return [];
        var isPeer = rule.Peers is not { } peers || peers.Selectors.Any(selector => IsSelected(selector, view))
            || peers.Blocks.Any(block => block.Contains(service));
        return isPeer ? Ports.Where(port => Allows(rule.Ports, port)).Select(Match) : [];
    }

    private string Match((Protocol Protocol, string Name) port) =>
        $"{(server.IsV6 ? "ip6" : "ip")} daddr {server} {port.Protocol.ToNft()} dport {Port} ";

    private static bool Allows(PolicyPorts? ports, (Protocol Protocol, string Name) port) =>
        ports is null || ports.Names.Contains(new PortName(port.Protocol, port.Name))
        || ports.Ranges.Any(range => range.Protocol == port.Protocol && range.First <= Port && Port <= range.Last);

    private static bool IsSelected(PeerSelector selector, ClusterView view) =>
        selector.Pods.Matches(PodLabels) && (selector.Namespace == Namespace || selector.Namespaces?.Matches(Labels(view)) == true);

    /// <summary>Kubernetes before 1.21 does not label a namespace with its name, and policies for DNS ask for it.</summary>
    private static Dictionary<string, string?> Labels(ClusterView view)
    {
        var labels = view.Namespaces.FirstOrDefault(item => item.Key == Namespace).Value ?? new Dictionary<string, string?>();
        return new Dictionary<string, string?>(labels, StringComparer.Ordinal) { [NameLabel] = Namespace };
    }
}
