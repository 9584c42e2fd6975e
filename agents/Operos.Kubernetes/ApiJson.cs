using System.Text.Json.Serialization;
using k8s.Models;

namespace Operos.Kubernetes;

/// <summary>
/// The Kubernetes types that agents use, and no others: the client library's own context holds every type of the API, which
/// would be most of a small agent.
/// </summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ObjectList<V1Node>))]
[JsonSerializable(typeof(ObjectList<V1Pod>))]
[JsonSerializable(typeof(ObjectList<V1Namespace>))]
[JsonSerializable(typeof(ObjectList<V1NetworkPolicy>))]
[JsonSerializable(typeof(ObjectList<V1Service>))]
[JsonSerializable(typeof(ObjectList<V1Endpoints>))]
[JsonSerializable(typeof(ObjectList<V1EndpointSlice>))]
[JsonSerializable(typeof(ApiStatus))]
[JsonSerializable(typeof(ApiVersion))]
[JsonSerializable(typeof(GroupList))]
[JsonSerializable(typeof(ResourceList))]
internal sealed partial class ApiJson : JsonSerializerContext;
