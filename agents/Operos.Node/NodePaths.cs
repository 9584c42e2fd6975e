namespace Operos.Node;

/// <summary>Where a node's files are. What differs between a worker, a controller and a test is set by them.</summary>
public sealed record NodePaths
{
    /// <summary>Configuration of the node's services; on RAM, made anew at each boot.</summary>
    public string Run { get; init; } = "/run/operos/kubernetes";
    public string CniConfiguration { get; init; } = "/etc/cni/net.d";
    /// <summary>Archives of images that a node must have without any registry.</summary>
    public string ImageArchives { get; init; } = "/usr/lib/operos/images";
    public string ContainerdSocket { get; init; } = "/run/containerd/containerd.sock";

    /// <summary>Certificates and keys; a folder that holds nothing else, for it is deleted when the machine leaves.</summary>
    public string Pki { get => field ?? Path.Combine(Run, "pki"); init; }
    public string AuthorityFile => Path.Combine(Pki, "ca.crt");

    /// <summary>A certificate and its key in one file: replaced in one step, so no reader ever pairs an old one with a new one.</summary>
    public string Credential(string purpose) => Path.Combine(Pki, purpose + ".pem");
    public string Kubeconfig(string service) => Path.Combine(Run, service + ".kubeconfig");
    public string Configuration(string service) => Path.Combine(Run, service + ".yaml");
    /// <summary>What the service's unit reads: one variable, <c>ARGS</c>.</summary>
    public string Environment(string service) => Path.Combine(Run, service + ".env");

    /// <summary>Where the CNI plugin finds the agent.</summary>
    public string GateSocket => Path.Combine(Run, "pods", "gate.sock");
    public string AttachedPods => Path.Combine(Run, "pods");
    /// <summary>The routes to other nodes' pods, for the next boot; null where nothing outlives a boot.</summary>
    public string? Routes { get; init; }
    /// <summary>host-local's leases: they end with the boot, as the pods do.</summary>
    public string AddressLeases => Path.Combine(Run, "addresses");
}
