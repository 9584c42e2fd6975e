namespace Operos.Kubernetes.Objects;

/// <summary>An Endpoints (v1).</summary>
public sealed record EndpointsObject : IApiObject
{
    public ObjectMeta? Metadata { get; set; }
    public IReadOnlyList<EndpointSubset?>? Subsets { get; set; }
}

public sealed record EndpointSubset
{
    public IReadOnlyList<SubsetAddress?>? Addresses { get; set; }
    public IReadOnlyList<SubsetAddress?>? NotReadyAddresses { get; set; }
    public IReadOnlyList<NetworkPort?>? Ports { get; set; }
}

public sealed record SubsetAddress
{
    public string? Ip { get; set; }
    public string? Hostname { get; set; }
}
