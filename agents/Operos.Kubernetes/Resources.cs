using Operos.Kubernetes.Objects;

namespace Operos.Kubernetes;

/// <summary>The types of objects that agents read. All are in the API from 1.20 on, but <see cref="EndpointSlices"/>.</summary>
public static class Resources
{
    public static ResourceType<NodeObject> Nodes { get; } = new("", "v1", "nodes", json => json.NodeObject, json =>
        json.ObjectListNodeObject);
    public static ResourceType<PodObject> Pods { get; } = new("", "v1", "pods", json => json.PodObject, json => json.ObjectListPodObject);
    public static ResourceType<NamespaceObject> Namespaces { get; } = new("", "v1", "namespaces", json => json.NamespaceObject, json =>
        json.ObjectListNamespaceObject);
    public static ResourceType<ServiceObject> Services { get; } = new("", "v1", "services", json => json.ServiceObject, json =>
        json.ObjectListServiceObject);
    public static ResourceType<EndpointsObject> Endpoints { get; } = new("", "v1", "endpoints", json => json.EndpointsObject, json =>
        json.ObjectListEndpointsObject);
    public static ResourceType<PersistentVolumeClaimObject> PersistentVolumeClaims { get; } = new("", "v1", "persistentvolumeclaims",
        json => json.PersistentVolumeClaimObject, json => json.ObjectListPersistentVolumeClaimObject);
    public static ResourceType<PersistentVolumeObject> PersistentVolumes { get; } = new("", "v1", "persistentvolumes",
        json => json.PersistentVolumeObject, json => json.ObjectListPersistentVolumeObject);
    public static ResourceType<NetworkPolicyObject> NetworkPolicies { get; } =
        new("networking.k8s.io", "v1", "networkpolicies", json => json.NetworkPolicyObject, json => json.ObjectListNetworkPolicyObject);
    /// <summary>From 1.21 on; ask <see cref="ApiDiscovery"/> first.</summary>
    public static ResourceType<EndpointSliceObject> EndpointSlices { get; } =
        new("discovery.k8s.io", "v1", "endpointslices", json => json.EndpointSliceObject, json => json.ObjectListEndpointSliceObject);
    /// <summary>From 1.17 to 1.24; what agents read of it is the same.</summary>
    public static ResourceType<EndpointSliceObject> EndpointSlicesBeta { get; } =
        new("discovery.k8s.io", "v1beta1", "endpointslices", json => json.EndpointSliceObject, json =>
            json.ObjectListEndpointSliceObject);
}
