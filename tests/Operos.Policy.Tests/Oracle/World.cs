using k8s.Models;
using Operos.Policy.Cluster;

namespace Operos.Policy.Tests.Oracle;

/// <summary>The API server's objects, and the node that looks at them.</summary>
internal sealed record World(string Node, IReadOnlyList<string> PodCidrs, IReadOnlyList<V1Namespace> Namespaces, IReadOnlyList<V1Pod> Pods,
    IReadOnlyList<V1NetworkPolicy> Policies)
{
    public NodeView NodeView => new(Node, PodCidrs);

    public ClusterView View(PolicyLimits? limits = null)
    {
        var view = new ClusterView(limits);
        view.ReplaceNamespaces(Namespaces);
        view.ReplacePods(Pods);
        view.ReplacePolicies(Policies);
        return view;
    }
}
