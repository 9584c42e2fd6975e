namespace Operos.Node.Cni;

/// <summary>A pod's sandbox as the runtime attached it to the network.</summary>
public sealed record AttachedPod
{
    /// <summary>The runtime's name of the sandbox: one pod may have several, one after the other.</summary>
    public required string ContainerId { get; init; }
    public required string Namespace { get; init; }
    public required string Name { get; init; }
    /// <summary>The pod's UID; empty where the runtime does not tell.</summary>
    public string Uid { get; init; } = "";
    /// <summary>Without prefix length.</summary>
    public required IReadOnlyList<string> Addresses { get; init; }
    /// <summary>The host's end of the pod's cable; empty where no plugin told.</summary>
    public string HostInterface { get; init; } = "";
}
