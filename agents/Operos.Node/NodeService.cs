namespace Operos.Node;

/// <summary>The services of a node, by the names of their units.</summary>
public static class NodeService
{
    public const string Containerd = "containerd";
    public const string Kubelet = "kubelet";
    public const string KubeProxy = "kube-proxy";
}
