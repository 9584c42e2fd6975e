using k8s.Models;

namespace Operos.Kubernetes;

/// <summary>The types of objects that agents read. All are in the API from 1.20 on, but <see cref="EndpointSlices"/>.</summary>
public static class Resources
{
    public static ResourceType<V1Node> Nodes { get; } = new("", "v1", "nodes", ApiJson.Default.V1Node, ApiJson.Default.ObjectListV1Node);
    public static ResourceType<V1Pod> Pods { get; } = new("", "v1", "pods", ApiJson.Default.V1Pod, ApiJson.Default.ObjectListV1Pod);
    public static ResourceType<V1Namespace> Namespaces { get; } = new("", "v1", "namespaces", ApiJson.Default.V1Namespace, ApiJson.Default.ObjectListV1Namespace);
    public static ResourceType<V1Service> Services { get; } = new("", "v1", "services", ApiJson.Default.V1Service, ApiJson.Default.ObjectListV1Service);
    public static ResourceType<V1Endpoints> Endpoints { get; } = new("", "v1", "endpoints", ApiJson.Default.V1Endpoints, ApiJson.Default.ObjectListV1Endpoints);
    public static ResourceType<V1NetworkPolicy> NetworkPolicies { get; } = new("networking.k8s.io", "v1", "networkpolicies", ApiJson.Default.V1NetworkPolicy, ApiJson.Default.ObjectListV1NetworkPolicy);
    /// <summary>From 1.21 on; ask <see cref="ApiDiscovery"/> first.</summary>
    public static ResourceType<V1EndpointSlice> EndpointSlices { get; } = new("discovery.k8s.io", "v1", "endpointslices", ApiJson.Default.V1EndpointSlice, ApiJson.Default.ObjectListV1EndpointSlice);
}
