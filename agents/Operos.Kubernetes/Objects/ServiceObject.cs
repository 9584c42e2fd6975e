namespace Operos.Kubernetes.Objects;

/// <summary>A Service (v1).</summary>
public sealed record ServiceObject : IApiObject
{
    public ObjectMeta? Metadata { get; set; }
    public ServiceSpec? Spec { get; set; }
}

public sealed record ServiceSpec
{
    public string? Type { get; set; }
    public string? ClusterIP { get; set; }
    public IReadOnlyList<string?>? ClusterIPs { get; set; }
    public string? ExternalName { get; set; }
    public bool? PublishNotReadyAddresses { get; set; }
    public IReadOnlyList<NetworkPort?>? Ports { get; set; }
}

/// <summary>A port of a service or of its endpoints.</summary>
public sealed record NetworkPort
{
    public string? Name { get; set; }
    public string? Protocol { get; set; }
    public int? Port { get; set; }
}
