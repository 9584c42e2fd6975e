using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Operos.Authority;
using Operos.Proto;

namespace Operos.ControlPlane.Certificates;

/// <summary>Signs what a machine needs to be a node. Whom a certificate names is decided here; of a request only the key counts.</summary>
public sealed class NodeCertificateIssuer(ClusterSecrets secrets, TimeSpan life)
{
    /// <exception cref="CryptographicException">A request is malformed or its purpose unknown.</exception>
    public NodeCertificates Issue(string machine, string address, IReadOnlyDictionary<string, byte[]> requests)
    {
        if (requests.Count == 0 || requests.Count > NodeCertificate.All.Count)
            throw new CryptographicException($"1 to {NodeCertificate.All.Count} requests are expected");
        return new NodeCertificates { Certificates = requests.ToDictionary(
            request => request.Key, request => Sign(Order(machine, address, request.Key), request.Value)) };
    }

    internal static CertificateOrder Order(string machine, string address, string purpose) => purpose switch
    {
        NodeCertificate.Kubelet => CertificateOrder.Client(Issuer.Kubernetes, $"system:node:{machine}", "system:nodes"),
        NodeCertificate.KubeletServing => CertificateOrder.Server(Issuer.Kubernetes, $"system:node:{machine}", machine, address),
        NodeCertificate.KubeProxy => CertificateOrder.Client(Issuer.Kubernetes, "system:kube-proxy"),
        NodeCertificate.Agent => CertificateOrder.Client(Issuer.Kubernetes, $"operos:node:{machine}", "operos:nodes"),
        _ => throw new CryptographicException($"'{purpose}' is no purpose of a node's certificate"),
    };

    private byte[] Sign(CertificateOrder order, byte[] csr)
    {
        using X509Certificate2 issued = secrets.Authority(order.Issuer).SignRequest(csr, order, life);
        return issued.RawData;
    }
}
