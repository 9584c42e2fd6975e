using Operos.Policy.Addresses;
using Operos.Policy.Cluster;

namespace Operos.Policy;

/// <summary>What the compiler has to know of the node whose rules it makes.</summary>
public sealed record NodeView
{
    private const int LongestPrefix = 14;

    /// <param name="name">The Node's name: pods with this <c>spec.nodeName</c> are local.</param>
    /// <param name="podCidrs">The Node's <c>spec.podCIDRs</c>. Whatever of these no pod is known to own is cut off.</param>
    /// <param name="podInterfaces">
    /// How the names of pods' interfaces on the host begin (the ptp plugin's: <c>veth</c>). A packet of such an interface whose source is
    /// not a known pod's, or is that of a pod behind another interface, is dropped; null where pods cannot be told by interface.
    /// </param>
    /// <exception cref="ArgumentException">A network or the prefix is not valid.</exception>
    public NodeView(string name, IEnumerable<string> podCidrs, string? podInterfaces = "veth")
    {
        Name = name;
        PodCidrs = [.. podCidrs.Select(text =>
            AddressRange.TryParseCidr(text, out var range)
            ? range : throw new ArgumentException($"'{text}' is not a network", nameof(podCidrs)))];
        if (podInterfaces is not null && (podInterfaces.Length is 0 or > LongestPrefix
            || !podInterfaces.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')))
            throw new ArgumentException($"'{podInterfaces}' does not begin an interface's name", nameof(podInterfaces));
        PodInterfaces = podInterfaces;
    }

    public string Name { get; }
    public IReadOnlyList<AddressRange> PodCidrs { get; }
    public string? PodInterfaces { get; }

    /// <summary>Null where the cluster's name server is a pod, or there is none.</summary>
    public ClusterNameServer? NameServer { get; init; }
}
