using Operos.Authority;
using Operos.ControlPlane.Configuration;

namespace Operos.ControlPlane.Certificates;

/// <summary>The certificates of the control plane's own components: which there are, and whom each names.</summary>
internal sealed class ControlPlaneCertificates
{
    public const string ApiServer = "kube-apiserver", ApiServerEtcd = "kube-apiserver-etcd", ApiServerKubelet = "kube-apiserver-kubelet",
        EtcdServer = "etcd", EtcdPeer = "etcd-peer",
        FrontProxy = "front-proxy", ControllerManager = "kube-controller-manager",
        ControllerManagerServing = "kube-controller-manager-serving", Scheduler = "kube-scheduler",
        SchedulerServing = "kube-scheduler-serving", Agent = "agent", AgentEtcd = "agent-etcd";

    /// <summary>The API server as a client of kubelets; RBAC lets it do just that.</summary>
    public const string KubeletClient = "operos:kube-apiserver";

    private static readonly string[] Loopback = ["localhost", "127.0.0.1"];
    private readonly CertificateFiles files;

    /// <param name="folder">In RAM: a reboot makes new keys.</param>
    public ControlPlaneCertificates(string folder, ControlPlaneSettings settings, ClusterSecrets secrets, TimeProvider time)
    {
        files = new CertificateFiles(folder, secrets.Authority, settings.Kubernetes.CertificateLife, time);
        Orders = Order(settings);
    }

    public IReadOnlyDictionary<string, CertificateOrder> Orders { get; }

    public IReadOnlyDictionary<string, CertificateLife> Lives => files.Lives;

    public string Certificate(string name) => files.Certificate(name);

    public string Key(string name) => files.Key(name);

    public string AuthorityFile(Issuer issuer) => files.AuthorityFile(issuer);

    /// <summary>Issues what is missing, names something else than it should, or is due; says which.</summary>
    public IReadOnlyList<string> Renew() => files.Renew(Orders);

    private static Dictionary<string, CertificateOrder> Order(ControlPlaneSettings settings)
    {
        string[] service = ["kubernetes", "kubernetes.default", "kubernetes.default.svc",
            $"kubernetes.default.svc.{settings.ClusterDomain}", settings.Kubernetes.ApiService.ToString()];
        return new(StringComparer.Ordinal)
        {
            [ApiServer] = CertificateOrder.Server(Issuer.Kubernetes, ApiServer,
                [.. service, .. Loopback, settings.Address.ToString(), .. settings.Kubernetes.ApiNames]),
            [ApiServerEtcd] = CertificateOrder.Client(Issuer.Etcd, ApiServer),
            [ApiServerKubelet] = CertificateOrder.Client(Issuer.Kubernetes, KubeletClient),
            // etcd is a client of itself: its gateway and its peers use the server's certificate.
            [EtcdServer] = new(Issuer.Etcd, EtcdServer, KeyPurpose.Server | KeyPurpose.Client, [], Loopback),
            [EtcdPeer] = new(Issuer.Etcd, EtcdPeer, KeyPurpose.Server | KeyPurpose.Client, [], Loopback),
            [FrontProxy] = CertificateOrder.Client(Issuer.FrontProxy, "front-proxy-client"),
            [ControllerManager] = CertificateOrder.Client(Issuer.Kubernetes, "system:kube-controller-manager"),
            [ControllerManagerServing] = CertificateOrder.Server(Issuer.Kubernetes, ControllerManager, Loopback),
            [Scheduler] = CertificateOrder.Client(Issuer.Kubernetes, "system:kube-scheduler"),
            [SchedulerServing] = CertificateOrder.Server(Issuer.Kubernetes, Scheduler, Loopback),
            [Agent] = CertificateOrder.Client(Issuer.Kubernetes, "operos:controller", "system:masters"),
            [AgentEtcd] = CertificateOrder.Client(Issuer.Etcd, "operos:controller"),
        };
    }
}
