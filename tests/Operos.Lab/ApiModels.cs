using System.Text.Json;
using System.Text.Json.Serialization;
using k8s.Models;
using Operos.Kubernetes;
using Operos.Kubernetes.Objects;

namespace Operos.Lab;

/// <summary>
/// Objects that a test makes with the client library's types, as agents read them: over the JSON that an API server writes.
/// </summary>
public static class ApiModels
{
    private static readonly JsonSerializerOptions AsWritten = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    public static PodObject Read(this V1Pod pod) => Resources.Pods.Read(Json(pod));
    public static NodeObject Read(this V1Node node) => Resources.Nodes.Read(Json(node));
    public static NamespaceObject Read(this V1Namespace item) => Resources.Namespaces.Read(Json(item));
    public static NetworkPolicyObject Read(this V1NetworkPolicy policy) => Resources.NetworkPolicies.Read(Json(policy));
    public static ServiceObject Read(this V1Service service) => Resources.Services.Read(Json(service));
    public static EndpointsObject Read(this V1Endpoints endpoints) => Resources.Endpoints.Read(Json(endpoints));
    public static EndpointSliceObject Read(this V1EndpointSlice slice) => Resources.EndpointSlices.Read(Json(slice));

    private static byte[] Json<T>(T value) => JsonSerializer.SerializeToUtf8Bytes(value, AsWritten);
}
