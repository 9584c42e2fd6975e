using System.Text;
using Operos.Kubernetes;
using Operos.Node.Memory;
using Operos.Proto;

namespace Operos.Node.Configuration;

/// <summary>
/// The kubelet's configuration (kubelet.config.k8s.io/v1beta1) and command line, for Kubernetes 1.20 to current. An option stands in
/// the file where the version knows it there, else on the command line.
/// </summary>
internal static class KubeletConfiguration
{
    private const long Mebibyte = 1024 * 1024;

    public static string Write(NodeSettings settings, NodeFacts facts, NodePaths paths)
    {
        var text = new StringBuilder(YamlText.Write($"""
            # Written by the node's agent: changes here are lost.
            apiVersion: kubelet.config.k8s.io/v1beta1
            kind: KubeletConfiguration
            address: 0.0.0.0
            authentication:
              anonymous:
                enabled: false
              webhook:
                enabled: true
              x509:
                clientCAFile: {paths.AuthorityFile}
            authorization:
              mode: Webhook
            tlsCertFile: {paths.Credential(NodeCertificate.KubeletServing)}
            tlsPrivateKeyFile: {paths.Credential(NodeCertificate.KubeletServing)}
            tlsMinVersion: VersionTLS12
            rotateCertificates: false
            clusterDNS:
            - {settings.Cluster.DnsAddress}
            clusterDomain: {settings.Cluster.ClusterDomain}
            resolvConf: {facts.ResolvConf}
            cgroupDriver: systemd
            failSwapOn: false
            serializeImagePulls: false
            containerLogMaxSize: 10Mi
            containerLogMaxFiles: 3
            shutdownGracePeriod: 30s
            shutdownGracePeriodCriticalPods: 10s
            systemReserved:
              cpu: 100m
              memory: {settings.ReservedMemoryBytes / Mebibyte}Mi
            evictionHard:
              memory.available: {MemoryPlan.Free / Mebibyte}Mi
              nodefs.available: 10%
              nodefs.inodesFree: 5%
              imagefs.available: 10%

            """));
        // Alpha in 1.20, on by default from 1.21.
        if (!facts.Version.IsAtLeast(1, 21)) text.Append("featureGates:\n  GracefulNodeShutdown: true\n");
        if (facts.Version.IsAtLeast(1, 27)) text.Append(YamlText.Write($"containerRuntimeEndpoint: {Endpoint(paths)}\n"));
        if (facts.Version.IsAtLeast(1, 23)) Taints(text, settings.Taints);
        return text.ToString();
    }

    /// <summary>The words of the command line.</summary>
    public static IReadOnlyList<string> Arguments(NodeSettings settings, NodeFacts facts, NodePaths paths)
    {
        List<string> words =
        [
            $"--config={paths.Configuration(NodeService.Kubelet)}", $"--kubeconfig={paths.Kubeconfig(NodeService.Kubelet)}",
            $"--hostname-override={settings.Name}", $"--node-ip={facts.Address}",
        ];
        var labels = string.Join(',', NodeLabels.ForKubelet(settings.Labels).Select(label => $"{label.Key}={label.Value}"));
        if (labels.Length > 0) words.Add($"--node-labels={labels}");
        // Before 1.24 the default was Docker's shim; the option went with it in 1.27.
        if (!facts.Version.IsAtLeast(1, 24)) words.Add("--container-runtime=remote");
        if (!facts.Version.IsAtLeast(1, 27)) words.Add($"--container-runtime-endpoint={Endpoint(paths)}");
        // Later ones leave the sandbox's image to the runtime, which pins it.
        if (!facts.Version.IsAtLeast(1, 27)) words.Add($"--pod-infra-container-image={SandboxImage}");
        if (!facts.Version.IsAtLeast(1, 23) && settings.Taints.Count > 0)
        {
            var taints = settings.Taints.Select(taint => $"{taint.Key}={taint.Value}:{taint.Effect}");
            words.Add($"--register-with-taints={string.Join(',', taints)}");
        }
        return words;
    }

    /// <summary>What containerd's configuration names: the kubelet must not remove it as unused.</summary>
    private const string SandboxImage = "operos/pause:3.2";

    private static string Endpoint(NodePaths paths) => $"unix://{paths.ContainerdSocket}";

    private static void Taints(StringBuilder text, IReadOnlyList<NodeTaint> taints)
    {
        if (taints.Count == 0) return;
        text.Append("registerWithTaints:\n");
        foreach (var taint in taints)
            text.Append(YamlText.Write($"- key: {taint.Key}\n  value: {taint.Value}\n  effect: {taint.Effect}\n"));
    }
}
