using System.Text.Json.Serialization.Metadata;
using k8s;
using k8s.Models;

namespace Operos.Kubernetes;

/// <summary>A type of objects: its place in the API's paths, and how it is read.</summary>
public sealed class ResourceType<T> where T : IKubernetesObject<V1ObjectMeta>
{
    private readonly string prefix, plural;

    internal ResourceType(string group, string version, string plural, JsonTypeInfo<T> item, JsonTypeInfo<ObjectList<T>> list)
    {
        prefix = group.Length == 0 ? $"/api/{version}" : $"/apis/{group}/{version}";
        (this.plural, Item, List) = (plural, item, list);
    }

    internal JsonTypeInfo<T> Item { get; }
    internal JsonTypeInfo<ObjectList<T>> List { get; }

    /// <summary>The path of all, or of all in one namespace.</summary>
    public string Path(string? inNamespace = null) => inNamespace is null ? $"{prefix}/{plural}" : $"{prefix}/namespaces/{Uri.EscapeDataString(inNamespace)}/{plural}";

    /// <summary>The path of one object.</summary>
    public string Path(string? inNamespace, string name) => $"{Path(inNamespace)}/{Uri.EscapeDataString(name)}";

    public override string ToString() => plural;
}
