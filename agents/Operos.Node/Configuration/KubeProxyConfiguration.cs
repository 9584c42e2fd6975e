using Operos.Kubernetes;

namespace Operos.Node.Configuration;

/// <summary>kube-proxy's configuration (kubeproxy.config.k8s.io/v1alpha1): iptables mode on every version.</summary>
internal static class KubeProxyConfiguration
{
    public static string Write(NodeSettings settings, NodeFacts facts, NodePaths paths) => YamlText.Write($"""
        # Written by the node's agent: changes here are lost.
        apiVersion: kubeproxy.config.k8s.io/v1alpha1
        kind: KubeProxyConfiguration
        bindAddress: 0.0.0.0
        healthzBindAddress: 127.0.0.1:10256
        metricsBindAddress: 127.0.0.1:10249
        clientConnection:
          kubeconfig: {paths.Kubeconfig(NodeService.KubeProxy)}
        clusterCIDR: {settings.Cluster.PodNetwork}
        hostnameOverride: {settings.Name}
        mode: iptables
        conntrack:
          maxPerCore: {(facts.SizesConnectionTable ? 32768 : 0)}
          min: {(facts.SizesConnectionTable ? 131072 : 0)}

        """);

    public static IReadOnlyList<string> Arguments(NodePaths paths) => [$"--config={paths.Configuration(NodeService.KubeProxy)}"];
}
