using Nerdbank.MessagePack;

namespace Operos.Proto;

/// <summary>
/// What a node needs to know of the cluster to run a kubelet. Keys stay on the node: see <see cref="IssueNodeCertificates"/>.
/// </summary>
public sealed record KubernetesNode
{
    /// <summary>The API server, such as <c>https://10.77.0.1:6443</c>.</summary>
    [Key(0)] public required string ApiServer { get; init; }
    /// <summary>The Kubernetes certificate authority, PEM; during a change of authority more than one.</summary>
    [Key(1)] public required string Authority { get; init; }
    [Key(2)] public required string ClusterDomain { get; init; }
    /// <summary>The address of the cluster's DNS service.</summary>
    [Key(3)] public required string DnsAddress { get; init; }
    /// <summary>CIDR of all pods.</summary>
    [Key(4)] public required string PodNetwork { get; init; }
    /// <summary>CIDR of all services.</summary>
    [Key(5)] public required string ServiceNetwork { get; init; }
    /// <summary>Whether the pod network and its policies are ours; false where an add-on such as Calico brings them.</summary>
    [Key(6)] public bool OwnNetwork { get; init; } = true;
    /// <summary>The controller's control port; no pod's business. 0 where the controller does not tell: the usual one.</summary>
    [Key(40)] public int ControlPort { get; init; }
    /// <summary>
    /// The port at which machines fetch what they boot; no pod's business. 0 where the controller does not tell: the usual one.
    /// </summary>
    [Key(41)] public int BootPort { get; init; }
    /// <summary>
    /// Whether the controller has routes to all pods, so that its name server may see each pod's own address; false where it does not tell.
    /// </summary>
    [Key(42)] public bool RoutesToPods { get; init; }
    /// <summary>Whether machines serve Ceph to each other; no pod's business. False where the controller does not tell.</summary>
    [Key(43)] public bool HasCeph { get; init; }
}

/// <summary>
/// Worker to controller: certificates for keys that the node made. The controller writes the names (<see cref="NodeCertificate"/>).
/// Answered by <see cref="NodeCertificates"/>.
/// </summary>
public sealed record IssueNodeCertificates : Message
{
    /// <summary>PKCS #10, DER, by purpose.</summary>
    [Key(0)] public required IReadOnlyDictionary<string, byte[]> Requests { get; init; }

    internal override bool HoldsNull() => Elements.HoldNull(Requests);
}

public sealed record NodeCertificates : Message
{
    /// <summary>X.509, DER, by purpose.</summary>
    [Key(0)] public required IReadOnlyDictionary<string, byte[]> Certificates { get; init; }

    internal override bool HoldsNull() => Elements.HoldNull(Certificates);
}

/// <summary>The purposes of a node's certificates, and whom each names.</summary>
public static class NodeCertificate
{
    /// <summary>Client: CN <c>system:node:UUID</c>, O <c>system:nodes</c>.</summary>
    public const string Kubelet = "kubelet";
    /// <summary>Server: CN <c>system:node:UUID</c>; its DNS name and address are the node's.</summary>
    public const string KubeletServing = "kubelet-serving";
    /// <summary>Client: CN <c>system:kube-proxy</c>.</summary>
    public const string KubeProxy = "kube-proxy";
    /// <summary>Client, for our own agent: CN <c>operos:node:UUID</c>, O <c>operos:nodes</c>.</summary>
    public const string Agent = "agent";

    public static IReadOnlyList<string> All { get; } = [Kubelet, KubeletServing, KubeProxy, Agent];
}

/// <summary>One of the things that must be so for a machine to be Ready, as its agent sees it.</summary>
public sealed record NodeStep
{
    /// <summary>The text of a step whose turn has not come.</summary>
    public const string NotBegun = "not begun";

    /// <summary>Such as <c>certificates</c>, <c>containerd</c>, <c>images</c>, <c>kubelet</c>, <c>network</c>, <c>policy</c>.</summary>
    [Key(0)] public required string Name { get; init; }
    [Key(1)] public required bool Done { get; init; }
    /// <summary>What it waits for or its last error; empty where there is nothing to say.</summary>
    [Key(2)] public string Text { get; init; } = "";
    [Key(3)] public long SinceUnixMs { get; init; }
}

/// <summary>Operator to controller: a client certificate for the API server. Answered by <see cref="ApiCredentials"/>.</summary>
public sealed record IssueApiCredentials : Message
{
    /// <summary>PKCS #10, DER; the key stays with the operator.</summary>
    [Key(0)] public required byte[] Csr { get; init; }
    [Key(1)] public required string User { get; init; }
    /// <summary>Kubernetes groups; <c>system:masters</c> for an administrator.</summary>
    [Key(2)] public IReadOnlyList<string> Groups { get; init; } = [];

    internal override bool HoldsNull() => Elements.HoldNull(Groups);
    /// <summary>Life in seconds; the controller bounds it.</summary>
    [Key(3)] public long LifeSeconds { get; init; }
}

public sealed record ApiCredentials : Message
{
    /// <summary>X.509, DER.</summary>
    [Key(0)] public required byte[] Certificate { get; init; }
    [Key(1)] public required string ApiServer { get; init; }
    /// <summary>PEM.</summary>
    [Key(2)] public required string Authority { get; init; }
    [Key(3)] public long ExpiresUnixMs { get; init; }
}

/// <summary>
/// Why a machine is not Ready. The machine is named as <see cref="ShowMachine"/> does. Answered by <see cref="MachineExplanation"/>.
/// </summary>
public sealed record ExplainMachine : Message
{
    [Key(0)] public required string Machine { get; init; }
}

public sealed record MachineExplanation : Message
{
    [Key(0)] public required string Id { get; init; }
    [Key(1)] public bool Ready { get; init; }
    /// <summary>In the order in which they happen: enrolment, the agent's own steps, what the API server says of the Node.</summary>
    [Key(2)] public required IReadOnlyList<NodeStep> Steps { get; init; }

    internal override bool HoldsNull() => Elements.HoldNull(Steps);
    /// <summary>The first step that is not done, in words, with the operator's next step.</summary>
    [Key(3)] public string Text { get; init; } = "";
}
