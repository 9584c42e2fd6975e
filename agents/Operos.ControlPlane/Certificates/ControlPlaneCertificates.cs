using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Operos.Authority;
using Operos.ControlPlane.Configuration;
using Operos.Linux;

namespace Operos.ControlPlane.Certificates;

/// <summary>
/// The certificates of the control plane's own components, as files in RAM. A renewal signs the same key anew, so that one atomic
/// replacement of one file is all that a reader sees; a reboot makes new keys.
/// </summary>
internal sealed class ControlPlaneCertificates
{
    public const string ApiServer = "kube-apiserver", ApiServerEtcd = "kube-apiserver-etcd", ApiServerKubelet = "kube-apiserver-kubelet", EtcdServer = "etcd", EtcdPeer = "etcd-peer",
        FrontProxy = "front-proxy", ControllerManager = "kube-controller-manager", ControllerManagerServing = "kube-controller-manager-serving", Scheduler = "kube-scheduler",
        SchedulerServing = "kube-scheduler-serving", Agent = "agent", AgentEtcd = "agent-etcd";

    /// <summary>The API server as a client of kubelets; RBAC lets it do just that.</summary>
    public const string KubeletClient = "operos:kube-apiserver";

    private static readonly string[] Loopback = ["localhost", "127.0.0.1"];
    private readonly string folder;
    private readonly ClusterSecrets secrets;
    private readonly TimeSpan life;
    private readonly TimeProvider time;
    private readonly Dictionary<string, DateTimeOffset> expiries = new(StringComparer.Ordinal);

    public ControlPlaneCertificates(string folder, ControlPlaneSettings settings, ClusterSecrets secrets, TimeProvider time)
    {
        (this.folder, this.secrets, life, this.time) = (folder, secrets, settings.Kubernetes.CertificateLife, time);
        Orders = Order(settings);
    }

    public IReadOnlyDictionary<string, CertificateOrder> Orders { get; }

    public IReadOnlyDictionary<string, DateTimeOffset> Expiries
    {
        get { lock (expiries) return new Dictionary<string, DateTimeOffset>(expiries); }
    }

    public string Certificate(string name) => Path.Combine(folder, name + ".crt");

    public string Key(string name) => Path.Combine(folder, name + ".key");

    public string AuthorityFile(Issuer issuer) => Path.Combine(folder, issuer switch { Issuer.Kubernetes => "ca.crt", Issuer.Etcd => "etcd-ca.crt", _ => "front-proxy-ca.crt" });

    /// <summary>Issues what is missing, names something else than it should, or has a third of its life left; says which.</summary>
    public IReadOnlyList<string> Renew()
    {
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach (var issuer in Enum.GetValues<Issuer>()) WriteIfChanged(AuthorityFile(issuer), secrets.Authority(issuer).Pem);
        return [.. Orders.Where(order => RenewOne(order.Key, order.Value)).Select(order => order.Key)];
    }

    private bool RenewOne(string name, CertificateOrder order)
    {
        var kept = OpenKey(name);
        using var key = kept ?? ECDsa.Create(ECCurve.NamedCurves.nistP256);
        if (kept is not null && Read(name) is { } now)
        {
            using (now)
            {
                expiries.Note(name, now.NotAfter);
                if (Serves(now, order) && now.NotAfter - time.GetUtcNow() > life / 3) return false;
            }
        }
        if (kept is null) AtomicFile.Write(Key(name), Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem() + "\n"));
        using var issued = secrets.Authority(order.Issuer).Sign(key, order, life);
        AtomicFile.Write(Certificate(name), Encoding.ASCII.GetBytes(issued.ExportCertificatePem() + "\n"));
        expiries.Note(name, issued.NotAfter);
        return true;
    }

    /// <summary>Whether the certificate still says what is ordered: the configuration may have changed.</summary>
    private bool Serves(X509Certificate2 certificate, CertificateOrder order)
    {
        using var wanted = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var sample = secrets.Authority(order.Issuer).Sign(wanted, order, life);
        return sample.SubjectName.RawData.AsSpan().SequenceEqual(certificate.SubjectName.RawData)
            && sample.Extensions.Select(extension => Convert.ToHexString(extension.RawData)).SequenceEqual(certificate.Extensions.Select(extension => Convert.ToHexString(extension.RawData)));
    }

    private ECDsa? OpenKey(string name)
    {
        if (!File.Exists(Key(name))) return null;
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(File.ReadAllText(Key(name)));
            return key;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            key.Dispose();
            return null;
        }
    }

    private X509Certificate2? Read(string name)
    {
        try { return File.Exists(Certificate(name)) ? X509Certificate2.CreateFromPem(File.ReadAllText(Certificate(name))) : null; }
        catch (CryptographicException) { return null; }
    }

    private static void WriteIfChanged(string path, string text)
    {
        if (!File.Exists(path) || File.ReadAllText(path) != text) AtomicFile.Write(path, Encoding.ASCII.GetBytes(text));
    }

    private static Dictionary<string, CertificateOrder> Order(ControlPlaneSettings settings)
    {
        string[] service = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", $"kubernetes.default.svc.{settings.ClusterDomain}", settings.Kubernetes.ApiService.ToString()];
        return new(StringComparer.Ordinal)
        {
            [ApiServer] = CertificateOrder.Server(Issuer.Kubernetes, ApiServer, [.. service, .. Loopback, settings.Address.ToString(), .. settings.Kubernetes.ApiNames]),
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

file static class Notes
{
    public static void Note(this Dictionary<string, DateTimeOffset> expiries, string name, DateTime expires)
    {
        lock (expiries) expiries[name] = expires;
    }
}
