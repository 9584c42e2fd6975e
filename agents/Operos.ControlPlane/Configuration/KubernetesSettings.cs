using System.Net;
using Operos.Authority;

namespace Operos.ControlPlane.Configuration;

/// <summary>Who brings the pod network and its policies.</summary>
public enum PodNetworkProvider { Operos, Calico }

/// <summary>What the control plane is made of, checked. The file is documented in README.md.</summary>
public sealed record KubernetesSettings
{
    public bool Enabled { get; init; } = true;
    public IPNetwork PodNetwork { get; init; } = IPNetwork.Parse("10.10.0.0/16");
    public IPNetwork ServiceNetwork { get; init; } = IPNetwork.Parse("10.11.0.0/16");
    /// <summary>DNS names and addresses of the API server beside its own.</summary>
    public IReadOnlyList<string> ApiNames { get; init; } = [];
    public int ApiPort { get; init; } = 6443;
    public PodNetworkProvider Network { get; init; } = PodNetworkProvider.Operos;
    /// <summary>Life of every certificate of the control plane and of the nodes; renewed at two thirds.</summary>
    public TimeSpan CertificateLife { get; init; } = CertificateLives.Kubernetes.Default;

    /// <summary>The service <c>kubernetes</c>: by Kubernetes' own rule the first address.</summary>
    public IPAddress ApiService => ServiceAddress(1);

    /// <summary>The service <c>kube-dns</c>.</summary>
    public IPAddress DnsService => ServiceAddress(10);

    private IPAddress ServiceAddress(byte number)
    {
        var bytes = ServiceNetwork.BaseAddress.GetAddressBytes();
        bytes[3] += number;
        return new IPAddress(bytes);
    }
}
