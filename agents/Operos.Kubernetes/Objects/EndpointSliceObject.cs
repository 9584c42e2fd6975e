namespace Operos.Kubernetes.Objects;

/// <summary>An EndpointSlice (discovery.k8s.io/v1).</summary>
public sealed record EndpointSliceObject : IApiObject
{
    public ObjectMeta? Metadata { get; set; }
    public IReadOnlyList<SliceEndpoint?>? Endpoints { get; set; }
    public IReadOnlyList<NetworkPort?>? Ports { get; set; }
}

public sealed record SliceEndpoint
{
    public IReadOnlyList<string?>? Addresses { get; set; }
    public string? Hostname { get; set; }
    public SliceConditions? Conditions { get; set; }
}

public sealed record SliceConditions
{
    public bool? Ready { get; set; }
}
