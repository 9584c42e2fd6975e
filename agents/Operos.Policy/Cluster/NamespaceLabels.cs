using Operos.Kubernetes.Objects;

namespace Operos.Policy.Cluster;

/// <summary>What matters of a namespace to policies.</summary>
internal sealed record NamespaceLabels(string Name, IReadOnlyDictionary<string, string?> Labels)
{
    private static readonly Dictionary<string, string?> NoLabels = [];

    public static NamespaceLabels? Read(NamespaceObject item) =>
        item.Metadata is { Name: { } name } meta ? new(name, meta.Labels ?? NoLabels) : null;

    /// <summary>Whether the two are the same to every policy.</summary>
    public static bool IsSame(NamespaceLabels one, NamespaceLabels other) =>
        one.Name == other.Name && LabelSet.IsSame(one.Labels, other.Labels);
}
