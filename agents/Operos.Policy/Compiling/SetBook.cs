using Operos.Policy.Addresses;
using Operos.Policy.Cluster;
using Operos.Policy.Nftables;
using Operos.Policy.Policies;

namespace Operos.Policy.Compiling;

/// <summary>The sets of a ruleset while it is made: each is filled once, however many policies look into it.</summary>
internal sealed class SetBook
{
    private readonly Dictionary<string, NftSet> sets = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IReadOnlyList<PodEndpoint>> selected = new(StringComparer.Ordinal);
    private readonly Dictionary<PodEndpoint, List<PodAddress>> addresses = [];
    private readonly Dictionary<PodAddress, string> texts = [];
    private readonly ClusterView view;

    public SetBook(ClusterView view, Dictionary<PodAddress, PodEndpoint> owners)
    {
        this.view = view;
        foreach (var (address, pod) in owners)
        {
            if (!addresses.TryGetValue(pod, out var list)) addresses[pod] = list = [];
            list.Add(address);
            texts[address] = address.ToString();
        }
    }

    public NftSet this[string name] => sets[name];

    /// <summary>The addresses that are the pod's and no other's.</summary>
    public IReadOnlyList<PodAddress> AddressesOf(PodEndpoint pod) => addresses.TryGetValue(pod, out var list) ? list : [];

    public string TextOf(PodAddress address) => texts[address];

    /// <summary>Addresses of one family of the pods that a peer selects.</summary>
    public string Peer(PeerSelector peer, bool isV6) => Make($"peer{Family(isV6)}", peer.Identity, AddressType(isV6), false, () =>
        SelectedBy(peer).SelectMany(AddressesOf).Where(address => address.IsV6 == isV6).Select(TextOf));

    /// <summary>Address, protocol and number of each pod's port that has this name.</summary>
    public string NamedPort(PortName port, bool isV6) =>
        Make($"named{Family(isV6)}", $"{port.Protocol} {port.Name}", $"{AddressType(isV6)} . inet_proto . inet_service", false, () =>
        view.Pods.SelectMany(pod => pod.Ports.Where(own => own.Name == port.Name && own.Protocol == port.Protocol)
            .SelectMany(own =>
                AddressesOf(pod).Where(address => address.IsV6 == isV6)
                .Select(address => $"{TextOf(address)} . {own.Protocol.ToNft()} . {own.Number}"))));

    /// <summary>Address ranges of one family.</summary>
    public string Blocks(IEnumerable<AddressRange> ranges, bool isV6) =>
        OfRanges($"block{Family(isV6)}", AddressType(isV6), ranges.Select(range => range.ToString()));

    /// <summary>Port ranges of one protocol.</summary>
    public string Ports(IEnumerable<PortRange> ranges) => OfRanges("ports", "inet_service", ranges.Select(range => range.ToString()));

    public IEnumerable<NftSet> Named(IEnumerable<string> names) => names.Select(name => sets[name]);

    private string OfRanges(string kind, string type, IEnumerable<string> ranges)
    {
        var list = ranges.ToList();
        return Make(kind, string.Join(',', list), type, true, () => list);
    }

    private string Make(string kind, string identity, string type, bool isInterval, Func<IEnumerable<string>> elements)
    {
        var name = ContentName.Of(kind, identity);
        if (!sets.ContainsKey(name)) sets[name] = new NftSet(name, type, isInterval, elements().ToHashSet(StringComparer.Ordinal));
        return name;
    }

    private IReadOnlyList<PodEndpoint> SelectedBy(PeerSelector peer)
    {
        if (selected.TryGetValue(peer.Identity, out var known)) return known;
        var names = peer.Namespace is not null ? [peer.Namespace] : view.Namespaces.Where(item => peer.Namespaces!.Matches(item.Value))
            .Select(item => item.Key);
        return selected[peer.Identity] = [.. names.SelectMany(view.PodsOf).Where(pod => peer.Pods.Matches(pod.Labels))];
    }

    private static char Family(bool isV6) => isV6 ? '6' : '4';

    private static string AddressType(bool isV6) => isV6 ? "ipv6_addr" : "ipv4_addr";
}
