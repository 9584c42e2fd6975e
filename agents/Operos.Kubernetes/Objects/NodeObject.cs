namespace Operos.Kubernetes.Objects;

/// <summary>A Node (v1).</summary>
public sealed record NodeObject : IApiObject
{
    public ObjectMeta? Metadata { get; set; }
    public NodeSpec? Spec { get; set; }
    public NodeStatus? Status { get; set; }
}

public sealed record NodeSpec
{
    public string? PodCIDR { get; set; }
    public IReadOnlyList<string?>? PodCIDRs { get; set; }
    public bool? Unschedulable { get; set; }
}

public sealed record NodeStatus
{
    public IReadOnlyList<ObjectCondition?>? Conditions { get; set; }
    public IReadOnlyList<NodeAddress?>? Addresses { get; set; }
    public NodeInfo? NodeInfo { get; set; }
}

public sealed record NodeAddress
{
    /// <summary>Such as <c>InternalIP</c>.</summary>
    public string? Type { get; set; }
    public string? Address { get; set; }
}

public sealed record NodeInfo
{
    /// <summary>The kernel's boot id, as the kubelet found it at its start.</summary>
    public string? BootID { get; set; }
    public string? KubeletVersion { get; set; }
}
