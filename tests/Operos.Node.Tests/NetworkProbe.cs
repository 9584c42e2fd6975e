using System.Net;
using System.Runtime.CompilerServices;
using Operos.Node.Network;

namespace Operos.Node.Tests;

/// <summary>
/// Runs the node's network code in a namespace: programs and files of /proc belong to the process's, so a test starts itself again inside
/// (nsenter), with what to do in a variable, and this acts before any test would.
/// </summary>
internal static class NetworkProbe
{
    public const string Variable = "OPEROS_NETWORK_PROBE";

#pragma warning disable CA2255 // The runner's entry point is generated: nothing else comes before it.
    [ModuleInitializer]
    internal static void RunIfAsked()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } order) return;
        try
        {
            Act(order.Split(' '));
            Environment.Exit(0);
        }
        catch (NodeException e)
        {
            Console.WriteLine(e.Message);
            Environment.Exit(3);
        }
    }
#pragma warning restore CA2255

    /// <summary><c>apply OWN POD-NETWORK CNI-FOLDER RUN-FOLDER NODE=ADDRESS=PODS...</c> or <c>clear CNI-FOLDER</c>.</summary>
    private static void Act(string[] order)
    {
        if (order[0] == "clear")
        {
            PodNetwork.ClearAsync(new NodePaths { CniConfiguration = order[1] }, default).GetAwaiter().GetResult();
            return;
        }
        var paths = new NodePaths { CniConfiguration = order[3], Run = order[4] };
        var nodes = new ClusterNodes();
        var objects = new List<k8s.Models.V1Node>();
        var own = IPAddress.None;
        foreach (var text in order[5..])
        {
            var parts = text.Split('=');
            if (parts[0] == order[1]) own = IPAddress.Parse(parts[1]);
            objects.Add(new k8s.Models.V1Node
            {
                Metadata = new k8s.Models.V1ObjectMeta { Name = parts[0] },
                Spec = new k8s.Models.V1NodeSpec { PodCIDR = parts[2] },
                Status = new k8s.Models.V1NodeStatus { Addresses = [new k8s.Models.V1NodeAddress { Type = "InternalIP", Address = parts[1] }] },
            });
        }
        nodes.Take(new Kubernetes.WatchChange<k8s.Models.V1Node>(Kubernetes.WatchKind.Listed, objects));
        var settings = Settings.Node();
        var network = new PodNetwork(paths, settings with { Name = order[1], Cluster = settings.Cluster with { PodNetwork = order[2] } }, own);
        Console.WriteLine(network.ApplyAsync(nodes, default).GetAwaiter().GetResult());
    }
}
