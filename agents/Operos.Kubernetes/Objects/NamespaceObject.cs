namespace Operos.Kubernetes.Objects;

/// <summary>A Namespace (v1).</summary>
public sealed record NamespaceObject : IApiObject
{
    public ObjectMeta? Metadata { get; set; }
}
