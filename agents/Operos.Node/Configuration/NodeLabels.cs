using Operos.Kubernetes;

namespace Operos.Node.Configuration;

/// <summary>
/// Which labels a kubelet may put on its own Node (the NodeRestriction admission plugin): of <c>kubernetes.io</c> and <c>k8s.io</c> a few,
/// others freely. With one that it may not, a kubelet refuses to start; so such ones are left out here and are the controller's to set.
/// </summary>
public static class NodeLabels
{
    private static readonly string[] OwnPrefixes = ["kubelet.kubernetes.io", "node.kubernetes.io"];
    private static readonly string[] OwnLabels =
    [
        "kubernetes.io/hostname", "kubernetes.io/arch", "kubernetes.io/os", "topology.kubernetes.io/region", "topology.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region", "failure-domain.beta.kubernetes.io/zone", "beta.kubernetes.io/instance-type",
    ];

    public static IEnumerable<KeyValuePair<string, string>> ForKubelet(IReadOnlyDictionary<string, string> labels) =>
        labels.Where(label => LabelSyntax.IsKey(label.Key) && LabelSyntax.IsValue(label.Value) && IsAllowed(label.Key))
            .OrderBy(label => label.Key, StringComparer.Ordinal);

    private static bool IsAllowed(string key)
    {
        var slash = key.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0 || OwnLabels.Contains(key)) return true;
        var prefix = key[..slash];
        if (OwnPrefixes.Any(own => IsWithin(prefix, own))) return true;
        return !IsWithin(prefix, "kubernetes.io") && !IsWithin(prefix, "k8s.io");
    }

    private static bool IsWithin(string domain, string of) => domain == of || domain.EndsWith("." + of, StringComparison.Ordinal);
}
