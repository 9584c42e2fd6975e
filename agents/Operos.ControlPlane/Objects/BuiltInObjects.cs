using System.Text.Json.Nodes;
using Operos.ControlPlane.Certificates;
using Operos.ControlPlane.Configuration;
using Operos.Kubernetes;

namespace Operos.ControlPlane.Objects;

/// <summary>
/// What every cluster of ours has: what the agents may read, whom the API server is to kubelets, where DNS is, and the class of volumes on
/// machines' own disks; and where there is a pool of Ceph, the class of its volumes and their driver.
/// </summary>
internal static class BuiltInObjects
{
    public static IReadOnlyList<JsonObject> For(ControlPlaneSettings settings) =>
        [.. Of(settings), .. settings.HasPoolVolumes ? Manifest.Parse(PoolVolumes) : []];

    private static IReadOnlyList<JsonObject> Of(ControlPlaneSettings settings) => Manifest.Parse(YamlText.Write($$"""
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRole
        metadata: { name: "operos:node" }
        rules:
        - { apiGroups: [""], resources: [nodes, pods, namespaces], verbs: [get, list, watch] }
        - { apiGroups: [networking.k8s.io], resources: [networkpolicies], verbs: [get, list, watch] }
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRoleBinding
        metadata: { name: "operos:nodes" }
        roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "operos:node" }
        subjects:
        - { apiGroup: rbac.authorization.k8s.io, kind: Group, name: "operos:nodes" }
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRoleBinding
        metadata: { name: "operos:kube-apiserver-to-kubelet" }
        roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:kubelet-api-admin" }
        subjects:
        - { apiGroup: rbac.authorization.k8s.io, kind: User, name: {{ControlPlaneCertificates.KubeletClient}} }
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRoleBinding
        metadata: { name: "operos:kube-proxy" }
        roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:node-proxier" }
        subjects:
        - { apiGroup: rbac.authorization.k8s.io, kind: User, name: "system:kube-proxy" }
        ---
        # The DNS server runs on the controller itself: a service without selector, and its one endpoint.
        apiVersion: v1
        kind: Service
        metadata: { name: kube-dns, namespace: kube-system, labels: { k8s-app: kube-dns } }
        spec:
          clusterIP: {{settings.Kubernetes.DnsService}}
          ports:
          - { name: dns, port: 53, protocol: UDP, targetPort: 53 }
          - { name: dns-tcp, port: 53, protocol: TCP, targetPort: 53 }
        ---
        apiVersion: v1
        kind: Endpoints
        metadata: { name: kube-dns, namespace: kube-system, labels: { k8s-app: kube-dns } }
        subsets:
        - addresses: [{ ip: {{settings.Address}} }]
          ports:
          - { name: dns, port: 53, protocol: UDP }
          - { name: dns-tcp, port: 53, protocol: TCP }
        ---
        # Folders on the disks of the machine that a pod is put on.
        apiVersion: storage.k8s.io/v1
        kind: StorageClass
        metadata: { name: operos-local }
        provisioner: operos.io/local
        volumeBindingMode: WaitForFirstConsumer
        reclaimPolicy: Delete
        allowedTopologies:
        - matchLabelExpressions:
          - { key: operos.io/local-volumes, values: ["true"] }
        """));

    /// <summary>Images of the pool, each on one machine at a time. Their driver maps them by itself: nobody attaches them.</summary>
    private const string PoolVolumes = """
        apiVersion: storage.k8s.io/v1
        kind: StorageClass
        metadata:
          name: operos
          annotations: { storageclass.kubernetes.io/is-default-class: "true" }
        provisioner: rbd.operos.io
        volumeBindingMode: Immediate
        allowVolumeExpansion: true
        reclaimPolicy: Delete
        ---
        apiVersion: storage.k8s.io/v1
        kind: CSIDriver
        metadata: { name: rbd.operos.io }
        spec:
          attachRequired: false
          podInfoOnMount: false
          fsGroupPolicy: File
        """;
}
