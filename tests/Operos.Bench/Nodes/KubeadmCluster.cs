using Operos.Lab;

namespace Operos.Bench.Nodes;

/// <summary>
/// What <c>kubeadm init</c> leaves in a cluster for nodes to join by, put into one of ours: its ConfigMaps and roles, and somebody who
/// approves and signs what a kubelet asks for, which our controller manager is told not to do.
/// </summary>
internal static class KubeadmCluster
{
    public const string Joiners = "system:bootstrappers:kubeadm:default-node-token";

    public static async Task PrepareAsync(Build build, LabFolder folder, LabNetwork network, Kubectl kubectl,
        CancellationToken cancellationToken)
    {
        var pki = folder["setup/state/pki/kubernetes"];
        network.Start(Path.Combine(build.Out, "kubernetes/bin/kube-controller-manager"),
            ["--controllers=csrsigning,csrapproving", $"--kubeconfig={kubectl.Kubeconfig}",
                $"--cluster-signing-cert-file={Path.Combine(pki, "ca.crt")}", $"--cluster-signing-key-file={Path.Combine(pki, "ca.key")}",
                "--leader-elect=false", "--port=0", "--secure-port=0"], folder["signer.log"]);
        await File.WriteAllTextAsync(folder["kubeadm-cluster.yaml"], Manifest, cancellationToken);
        await kubectl.RunAsync(cancellationToken, "apply", "-f", folder["kubeadm-cluster.yaml"]);
    }

    /// <summary>Of Kubernetes 1.20: later ones name and version these otherwise.</summary>
    private const string Manifest = $$"""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: kubeadm-config, namespace: kube-system}
        data:
          ClusterConfiguration: |
            apiVersion: kubeadm.k8s.io/v1beta2
            kind: ClusterConfiguration
            kubernetesVersion: v1.20.2
            controlPlaneEndpoint: {{NativeController.Address}}:6443
            networking: {podSubnet: 10.10.0.0/16, serviceSubnet: 10.11.0.0/16, dnsDomain: cluster.local}
          ClusterStatus: |
            apiVersion: kubeadm.k8s.io/v1beta2
            kind: ClusterStatus
            apiEndpoints: {controller: {advertiseAddress: {{NativeController.Address}}, bindPort: 6443} }
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: kubelet-config-1.20, namespace: kube-system}
        data:
          kubelet: |
            apiVersion: kubelet.config.k8s.io/v1beta1
            kind: KubeletConfiguration
            authentication:
              anonymous: {enabled: false}
              webhook: {enabled: true}
              x509: {clientCAFile: /etc/kubernetes/pki/ca.crt}
            authorization: {mode: Webhook}
            cgroupDriver: systemd
            clusterDNS: [10.11.0.10]
            clusterDomain: cluster.local
            resolvConf: /run/systemd/resolve/resolv.conf
            rotateCertificates: true
            staticPodPath: /etc/kubernetes/manifests
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: Role
        metadata: {name: "kubeadm:join", namespace: kube-system}
        rules: [{apiGroups: [""], resources: [configmaps], resourceNames: [kubeadm-config, kubelet-config-1.20, kube-proxy], verbs: [get]}]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: "kubeadm:join", namespace: kube-system}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: "kubeadm:join"}
        subjects:
        - {apiGroup: rbac.authorization.k8s.io, kind: Group, name: "{{Joiners}}"}
        - {apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:nodes"}
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRole
        metadata: {name: "kubeadm:get-nodes"}
        rules: [{apiGroups: [""], resources: [nodes], verbs: [get]}]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRoleBinding
        metadata: {name: "kubeadm:get-nodes"}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "kubeadm:get-nodes"}
        subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: "{{Joiners}}"}]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRoleBinding
        metadata: {name: "kubeadm:kubelet-bootstrap"}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:node-bootstrapper"}
        subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: "{{Joiners}}"}]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRoleBinding
        metadata: {name: "kubeadm:node-autoapprove-bootstrap"}
        roleRef:
          apiGroup: rbac.authorization.k8s.io
          kind: ClusterRole
          name: "system:certificates.k8s.io:certificatesigningrequests:nodeclient"
        subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: "{{Joiners}}"}]

        """;
}
