using System.Net;

namespace Operos.ControlPlane.Configuration;

/// <summary>What the control plane is made of; checked by whoever read it.</summary>
public sealed record ControlPlaneSettings
{
    /// <summary>The machine's own address, at which nodes reach the API server.</summary>
    public required IPAddress Address { get; init; }
    /// <summary>The domain of services and pods.</summary>
    public required string ClusterDomain { get; init; }
    public required KubernetesSettings Kubernetes { get; init; }
    /// <summary>Whether volumes are made of a pool of Ceph: the class of claims that name none.</summary>
    public bool HasPoolVolumes { get; init; }
    /// <summary>The program that asks the components for their health and applies objects, as it calls itself in requests.</summary>
    public required string Agent { get; init; }
}
