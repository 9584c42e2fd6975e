using Operos.Policy.Cluster;
using Operos.Policy.Nftables;

namespace Operos.Policy.Compiling;

/// <summary>Compiles what is known of the cluster to one node's ruleset: a pure function. README.md draws the table.</summary>
public static class PolicyCompiler
{
    public static Ruleset Compile(ClusterView view, NodeView node) => new Compilation(view, node).Run();
}
