using Operos.Policy.Addresses;

namespace Operos.Policy.Policies;

/// <summary>Pods by labels: in one namespace, or in the namespaces that a selector selects.</summary>
/// <param name="Namespace">The policy's own, where it names no namespaces.</param>
internal sealed record PeerSelector(string? Namespace, Selector? Namespaces, Selector Pods)
{
    /// <summary>Equal for peers that select the same.</summary>
    public string Identity { get; } = Namespace is not null
        ? $"n{Namespace.Length}:{Namespace} {Pods.Identity}" : $"s{Namespaces!.Identity} {Pods.Identity}";
}

/// <summary>Whom a rule allows.</summary>
internal sealed record PolicyPeers(IReadOnlyList<PeerSelector> Selectors, IReadOnlyList<AddressRange> Blocks);

/// <summary>A port by name: what number it has, each destination pod says.</summary>
internal readonly record struct PortName(Protocol Protocol, string Name);

/// <summary>Which ports a rule allows.</summary>
internal sealed record PolicyPorts(IReadOnlyList<PortRange> Ranges, IReadOnlyList<PortName> Names);

/// <summary>A rule of a policy: peers and ports must both agree.</summary>
/// <param name="Peers">Null for everybody; one with nothing in it, which refused entries leave, allows nobody.</param>
/// <param name="Ports">Null for all; one with nothing in it allows none.</param>
internal sealed record PolicyRule(PolicyPeers? Peers, PolicyPorts? Ports);
