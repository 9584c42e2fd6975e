using Operos.Node.Memory;
using Operos.Proto;

namespace Operos.Node;

/// <summary>What the cluster wants this node to be.</summary>
public sealed record NodeSettings
{
    /// <summary>The Node's name: the machine's UUID.</summary>
    public required string Name { get; init; }
    public required KubernetesNode Cluster { get; init; }

    /// <summary>
    /// What the kubelet itself puts on its Node when it registers; <see cref="Configuration.NodeLabels"/> says which it may.
    /// </summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();
    public IReadOnlyList<NodeTaint> Taints { get; init; } = [];

    /// <summary>Memory that is not for pods, in bytes: the agents, the services, and layers that lie in RAM.</summary>
    public required long ReservedMemoryBytes { get; init; }

    /// <summary>Of a machine whose files lie in RAM: how much of it they may take. Null where they are on a disk.</summary>
    public MemoryPlan? Memory { get; init; }
}
