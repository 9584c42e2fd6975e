using Operos.Authority;
using Operos.ControlPlane.Certificates;
using Operos.ControlPlane.Configuration;
using Operos.Kubernetes;
using Names = Operos.ControlPlane.Certificates.ControlPlaneCertificates;

namespace Operos.ControlPlane.Components;

/// <summary>
/// The four programs and their flags; the only place that knows how Kubernetes releases differ in them, 1.20 to current. Sources: each
/// program's reference page and the release notes of the version that changed a flag.
/// </summary>
internal sealed class ControlPlaneComponents(ControlPlaneSettings settings, ControlPlanePaths paths, Names certificates,
    ClusterSecrets secrets, ComponentFiles files)
{
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(10);
    internal const string EtcdMemberName = "controller", EtcdUrl = "https://127.0.0.1:2379", EtcdPeerUrl = "https://127.0.0.1:2380";

    public IReadOnlyList<Component> For(KubernetesVersion version) =>
        [Etcd(), ApiServer(version), ControllerManager(version), Scheduler(version)];

    private Component Etcd() => new()
    {
        Name = Component.Etcd,
        Arguments =
        [
            .. EtcdMember, .. EtcdClients, .. EtcdPeers,
            "--quota-backend-bytes=4294967296", "--logger=zap", "--log-level=warn",
        ],
        Probe = new ApiAccess { Server = new(EtcdUrl), AuthorityFile = certificates.AuthorityFile(Issuer.Etcd),
            CertificateFile = certificates.Certificate(Names.AgentEtcd), KeyFile = certificates.Key(Names.AgentEtcd),
            CallTimeout = ProbeTimeout },
        ProbePath = "/health",
        // It reads its certificates again at each handshake.
        ReadOnce = [],
    };

    private string[] EtcdMember =>
    [
        $"--name={EtcdMemberName}", $"--data-dir={paths.Etcd}", $"--listen-client-urls={EtcdUrl}", $"--advertise-client-urls={EtcdUrl}",
        $"--listen-peer-urls={EtcdPeerUrl}", $"--initial-advertise-peer-urls={EtcdPeerUrl}",
        $"--initial-cluster={EtcdMemberName}={EtcdPeerUrl}",
    ];

    private string[] EtcdClients =>
    [
        "--client-cert-auth", $"--trusted-ca-file={certificates.AuthorityFile(Issuer.Etcd)}",
        $"--cert-file={certificates.Certificate(Names.EtcdServer)}", $"--key-file={certificates.Key(Names.EtcdServer)}",
    ];

    private string[] EtcdPeers =>
    [
        "--peer-client-cert-auth", $"--peer-trusted-ca-file={certificates.AuthorityFile(Issuer.Etcd)}",
        $"--peer-cert-file={certificates.Certificate(Names.EtcdPeer)}", $"--peer-key-file={certificates.Key(Names.EtcdPeer)}",
    ];

    private Component ApiServer(KubernetesVersion version) => new()
    {
        Name = Component.ApiServer,
        Requires = Component.Etcd,
        Arguments =
        [
            .. ApiServing, .. Access(version), .. ApiStorage, .. KubeletClient, .. Aggregation, .. ServiceAccounts,
            $"--service-cluster-ip-range={settings.Kubernetes.ServiceNetwork}", "--allow-privileged=true",
            .. Audit, "--profiling=false",
        ],
        Probe = AdminAccess(settings.Kubernetes.ApiPort, ProbeTimeout),
        ProbePath = "/readyz",
        // It looks at its files within a minute.
        ReadOnce = [],
    };

    private string[] ApiServing =>
    [
        $"--advertise-address={settings.Address}", "--bind-address=0.0.0.0", $"--secure-port={settings.Kubernetes.ApiPort}",
        $"--tls-cert-file={certificates.Certificate(Names.ApiServer)}", $"--tls-private-key-file={certificates.Key(Names.ApiServer)}",
        "--tls-min-version=VersionTLS12",
    ];

    /// <summary>Who may come in, and who decides what they may do.</summary>
    private string[] Access(KubernetesVersion version) =>
    [
        $"--client-ca-file={certificates.AuthorityFile(Issuer.Kubernetes)}", "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        // From 1.32 on, anonymous requests may be let to the health paths alone; before, they are let nowhere and health is asked
        // with a certificate.
        version.IsAtLeast(1, 32) ? $"--authentication-config={files.Authentication}" : "--anonymous-auth=false",
    ];

    private string[] ApiStorage =>
    [
        $"--etcd-servers={EtcdUrl}", $"--etcd-cafile={certificates.AuthorityFile(Issuer.Etcd)}",
        $"--etcd-certfile={certificates.Certificate(Names.ApiServerEtcd)}", $"--etcd-keyfile={certificates.Key(Names.ApiServerEtcd)}",
        $"--encryption-provider-config={secrets.Encryption}",
    ];

    /// <summary>How the API server calls kubelets, for logs, exec and proxy.</summary>
    private string[] KubeletClient =>
    [
        $"--kubelet-certificate-authority={certificates.AuthorityFile(Issuer.Kubernetes)}",
        $"--kubelet-client-certificate={certificates.Certificate(Names.ApiServerKubelet)}",
        $"--kubelet-client-key={certificates.Key(Names.ApiServerKubelet)}",
        "--kubelet-preferred-address-types=InternalIP,Hostname",
    ];

    /// <summary>How it hands requests on to API servers that are added to it, and by what those know it.</summary>
    private string[] Aggregation =>
    [
        $"--proxy-client-cert-file={certificates.Certificate(Names.FrontProxy)}",
        $"--proxy-client-key-file={certificates.Key(Names.FrontProxy)}",
        $"--requestheader-client-ca-file={certificates.AuthorityFile(Issuer.FrontProxy)}",
        "--requestheader-allowed-names=front-proxy-client", "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group", "--requestheader-extra-headers-prefix=X-Remote-Extra-",
    ];

    private string[] ServiceAccounts =>
    [
        $"--service-account-issuer=https://kubernetes.default.svc.{settings.ClusterDomain}",
        $"--service-account-key-file={secrets.ServiceAccountPublicKey}",
        $"--service-account-signing-key-file={secrets.ServiceAccountKey}",
    ];

    /// <summary>5 files of 20 MB are the most that the log takes.</summary>
    private string[] Audit =>
    [
        $"--audit-policy-file={files.AuditPolicy}", $"--audit-log-path={Path.Combine(paths.Audit, "audit.log")}",
        "--audit-log-maxsize=20", "--audit-log-maxbackup=4", "--audit-log-maxage=30",
    ];

    private Component ControllerManager(KubernetesVersion version) => new()
    {
        Name = Component.ControllerManager,
        Requires = Component.ApiServer,
        Arguments =
        [
            .. Client(Component.ControllerManager, Names.ControllerManagerServing), .. NoInsecurePort(version),
            "--allocate-node-cidrs=true", $"--cluster-cidr={settings.Kubernetes.PodNetwork}",
            $"--service-cluster-ip-range={settings.Kubernetes.ServiceNetwork}", "--node-cidr-mask-size=24",
            "--configure-cloud-routes=false",
            $"--root-ca-file={certificates.AuthorityFile(Issuer.Kubernetes)}",
            $"--service-account-private-key-file={secrets.ServiceAccountKey}", "--use-service-account-credentials=true",
            // Certificates come from this agent alone: nothing signs what a pod or a node asks of the API.
            "--controllers=*,-csrsigning,-csrapproving",
        ],
        Probe = AdminAccess(10257, ProbeTimeout),
        ProbePath = "/healthz",
        ReadOnce = [Names.ControllerManager],
    };

    private Component Scheduler(KubernetesVersion version) => new()
    {
        Name = Component.Scheduler,
        Requires = Component.ApiServer,
        Arguments = [.. Client(Component.Scheduler, Names.SchedulerServing), .. NoInsecurePort(version)],
        Probe = AdminAccess(10259, ProbeTimeout),
        ProbePath = "/healthz",
        ReadOnce = [Names.Scheduler],
    };

    /// <summary>This agent's own access to the API server, over loopback.</summary>
    public ApiAccess AdminAccess(int port, TimeSpan timeout) => new()
    {
        Server = new($"https://127.0.0.1:{port}"), AuthorityFile = certificates.AuthorityFile(Issuer.Kubernetes),
        CertificateFile = certificates.Certificate(Names.Agent), KeyFile = certificates.Key(Names.Agent),
        Agent = settings.Agent, CallTimeout = timeout,
    };

    private IEnumerable<string> Client(string name, string serving) =>
    [
        $"--kubeconfig={files.Kubeconfig(name)}", $"--authentication-kubeconfig={files.Kubeconfig(name)}",
        $"--authorization-kubeconfig={files.Kubeconfig(name)}",
        "--bind-address=127.0.0.1", $"--tls-cert-file={certificates.Certificate(serving)}",
        $"--tls-private-key-file={certificates.Key(serving)}",
        // There is one controller: a lease would only delay the start after a crash.
        "--leader-elect=false", "--profiling=false",
    ];

    /// <summary>Until 1.22 both serve plain HTTP beside HTTPS unless told not to; 1.24 no longer knows the flag.</summary>
    private static IEnumerable<string> NoInsecurePort(KubernetesVersion version) => version.IsAtLeast(1, 23) ? [] : ["--port=0"];
}
