using System.Text.Json;
using System.Text.Json.Serialization;
using Operos.Kubernetes.Objects;

namespace Operos.Kubernetes;

/// <summary>How the types that agents use are read. Fields that they do not have are skipped.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ObjectList<NodeObject>))]
[JsonSerializable(typeof(ObjectList<PodObject>))]
[JsonSerializable(typeof(ObjectList<NamespaceObject>))]
[JsonSerializable(typeof(ObjectList<NetworkPolicyObject>))]
[JsonSerializable(typeof(ObjectList<ServiceObject>))]
[JsonSerializable(typeof(ObjectList<EndpointsObject>))]
[JsonSerializable(typeof(ObjectList<EndpointSliceObject>))]
[JsonSerializable(typeof(ObjectList<PersistentVolumeClaimObject>))]
[JsonSerializable(typeof(ObjectList<PersistentVolumeObject>))]
[JsonSerializable(typeof(ApiStatus))]
[JsonSerializable(typeof(ApiVersion))]
[JsonSerializable(typeof(GroupList))]
[JsonSerializable(typeof(ResourceList))]
internal sealed partial class ApiJson : JsonSerializerContext
{
    /// <summary>Reads texts through a converter.</summary>
    public static ApiJson With(JsonConverter<string> texts) =>
        new(new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, Converters = { texts } });
}
