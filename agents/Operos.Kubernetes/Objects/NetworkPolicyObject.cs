using System.Text.Json.Serialization;

namespace Operos.Kubernetes.Objects;

/// <summary>A NetworkPolicy (networking.k8s.io/v1).</summary>
public sealed record NetworkPolicyObject : IApiObject
{
    public ObjectMeta? Metadata { get; set; }
    public NetworkPolicySpec? Spec { get; set; }
}

public sealed record NetworkPolicySpec
{
    public LabelSelector? PodSelector { get; set; }
    public IReadOnlyList<string?>? PolicyTypes { get; set; }
    public IReadOnlyList<NetworkPolicyRule?>? Ingress { get; set; }
    public IReadOnlyList<NetworkPolicyRule?>? Egress { get; set; }
}

/// <summary>A rule of either direction: <see cref="From"/> in ingress, <see cref="To"/> in egress.</summary>
public sealed record NetworkPolicyRule
{
    public IReadOnlyList<NetworkPolicyPeer?>? From { get; set; }
    public IReadOnlyList<NetworkPolicyPeer?>? To { get; set; }
    public IReadOnlyList<NetworkPolicyPort?>? Ports { get; set; }
}

public sealed record NetworkPolicyPeer
{
    public AddressBlock? IpBlock { get; set; }
    public LabelSelector? NamespaceSelector { get; set; }
    public LabelSelector? PodSelector { get; set; }
}

public sealed record AddressBlock
{
    public string? Cidr { get; set; }
    public IReadOnlyList<string?>? Except { get; set; }
}

public sealed record NetworkPolicyPort
{
    public string? Protocol { get; set; }
    /// <summary>A number or a name, in the words of whoever wrote it.</summary>
    [JsonConverter(typeof(NumberOrText))] public string? Port { get; set; }
    public int? EndPort { get; set; }
}

public sealed record LabelSelector
{
    public Dictionary<string, string?>? MatchLabels { get; set; }
    public IReadOnlyList<LabelRequirement?>? MatchExpressions { get; set; }
}

public sealed record LabelRequirement
{
    public string? Key { get; set; }
    public string? Operator { get; set; }
    public IReadOnlyList<string?>? Values { get; set; }
}
