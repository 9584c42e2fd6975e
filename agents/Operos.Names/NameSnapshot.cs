using System.Net;

namespace Operos.Names;

/// <summary>A port of a service or of its endpoints; a port without a name has no record and is not kept.</summary>
/// <param name="Protocol">tcp, udp or sctp.</param>
internal sealed record NamedPort(string Name, string Protocol, ushort Number);

/// <summary>What names need to know of a Service.</summary>
internal sealed record ServiceNames
{
    public required string Namespace { get; init; }
    public required string Name { get; init; }
    public IReadOnlyList<IPAddress> ClusterAddresses { get; init; } = [];
    public bool Headless { get; init; }
    public string? ExternalName { get; init; }
    public bool PublishNotReady { get; init; }
    public IReadOnlyList<NamedPort> Ports { get; init; } = [];

    public bool Equals(ServiceNames? other) =>
        other is not null && (Namespace, Name, Headless, ExternalName, PublishNotReady) == (
        other.Namespace, other.Name, other.Headless, other.ExternalName, other.PublishNotReady)
        && ClusterAddresses.SequenceEqual(other.ClusterAddresses) && Ports.SequenceEqual(other.Ports);

    public override int GetHashCode() => HashCode.Combine(Namespace, Name);
}

/// <summary>An address behind a service.</summary>
internal sealed record EndpointAddress(IPAddress Address, string? Hostname, bool Ready);

/// <summary>Addresses that serve the same ports: a subset of Endpoints, or an EndpointSlice.</summary>
internal sealed record EndpointGroup(string Namespace, string Service, IReadOnlyList<EndpointAddress> Addresses,
    IReadOnlyList<NamedPort> Ports)
{
    public bool Equals(EndpointGroup? other) => other is not null && (Namespace, Service) == (other.Namespace, other.Service)
        && Addresses.SequenceEqual(other.Addresses) && Ports.SequenceEqual(other.Ports);

    public override int GetHashCode() => HashCode.Combine(Namespace, Service);
}

/// <summary>A pod's address of each family.</summary>
internal sealed record PodAddresses(string Namespace, IPAddress? Four, IPAddress? Six);

/// <summary>A machine of the registry; <paramref name="Name"/> is the operator's.</summary>
public sealed record MachineName(string Id, string? Name, IPAddress Address);

/// <summary>All that has names at one moment.</summary>
internal sealed record NameSnapshot(
    IReadOnlyList<ServiceNames> Services, IReadOnlyList<EndpointGroup> Endpoints, IReadOnlyList<PodAddresses> Pods,
        IReadOnlyList<MachineName> Machines);
