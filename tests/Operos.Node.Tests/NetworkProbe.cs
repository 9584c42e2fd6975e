using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using Operos.Linux;
using Operos.Node.Memory;
using Operos.Node.Network;
using Operos.Node.Tests.Disks;

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

    /// <summary>
    /// <c>apply OWN POD-NETWORK CNI-FOLDER RUN-FOLDER NODE=ADDRESS=PODS...</c>, <c>clear CNI-FOLDER</c>,
    /// <c>recall POD-NETWORK RUN-FOLDER</c>, <c>firewall OWN=ADDRESS [NODE=ADDRESS=PODS...]</c> (of no nodes: the API server has told
    /// nothing yet), <c>keep OWN=ADDRESS</c>, <c>open</c>, <c>services</c>, <c>memory FOLDER BYTES</c>,
    /// <c>folders ROOT [close]</c>, <c>ephemeral-file ROOT PLACE</c>,
    /// <c>volume ROOT BYTES [PATH]</c> or <c>excess ROOT</c>.
    /// </summary>
    private static void Act(string[] order)
    {
        if (order[0] == "clear") PodNetwork.ClearAsync(new NodePaths { CniConfiguration = order[1] }, default).GetAwaiter().GetResult();
        else if (order[0] == "recall") PodNetwork.RecallAsync(new NodePaths { Run = order[2], Routes = RoutesIn(order[2]) },
            IPNetwork.Parse(order[1]), default).GetAwaiter().GetResult();
        else if (order[0] == "memory") Console.WriteLine(Bound(order[1], long.Parse(order[2], CultureInfo.InvariantCulture)));
        else if (order[0] == "ephemeral-file") Console.WriteLine(NodeFolderTests.MakeFile(order[1], order[2]));
        else if (order[0] == "volume") Console.WriteLine(LocalVolumeTests.Ask(order[1],
            long.Parse(order[2], CultureInfo.InvariantCulture), order.ElementAtOrDefault(3)));
        else if (order[0] == "excess") Console.WriteLine(LocalVolumeTests.Measure(order[1]));
        else if (order[0] == "folders") Console.WriteLine(NodeFolderTests.Take(order[1], order.Length > 2));
        else if (order[0] == "services") ServiceRules.ClearAsync(default).GetAwaiter().GetResult();
        else if (order[0] == "open") NodeFirewall.ClearAsync(default).GetAwaiter().GetResult();
        else if (order[0] == "keep") Keep(order[1]);
        else if (order[0] == "firewall")
        {
            var firewall = new NodeFirewall(Settings.Node().Cluster, IPAddress.Parse(order[1].Split('=')[1]));
            var nodes = order.Length > 2 ? Nodes(order[2..]) : new ClusterNodes();
            Console.WriteLine(firewall.ApplyAsync(nodes, default).GetAwaiter().GetResult());
        }
        else
        {
            var paths = new NodePaths { CniConfiguration = order[3], Run = order[4], Routes = RoutesIn(order[4]) };
            var own = order[5..].Select(text => text.Split('=')).Where(parts => parts[0] == order[1])
                .Select(parts => IPAddress.Parse(parts[1])).FirstOrDefault(IPAddress.None);
            var settings = Settings.Node();
            var node = settings with { Name = order[1], Cluster = settings.Cluster with { PodNetwork = order[2] } };
            var network = new PodNetwork(paths, node, own);
            Console.WriteLine(network.ApplyAsync(Nodes(order[5..]), default).GetAwaiter().GetResult());
        }
    }

    /// <summary>An agent's firewall while nobody touches nftables, which then runs no program, and while somebody opens a hole.</summary>
    private static void Keep(string own)
    {
        var firewall = new NodeFirewall(Settings.Node().Cluster, IPAddress.Parse(own.Split('=')[1]));
        // The first makes the table, the second looks at it.
        Apply();
        Apply();
        var path = Environment.GetEnvironmentVariable("PATH");
        var generation = NftablesGeneration.Read();
        Environment.SetEnvironmentVariable("PATH", "/nowhere");
        Apply();
        Environment.SetEnvironmentVariable("PATH", path);
        Console.WriteLine($"the same: {generation is not null && generation == NftablesGeneration.Read()}");
        var before = Nft("--stateless list table inet " + NodeFirewall.Table);
        Nft($"insert rule inet {NodeFirewall.Table} closed accept");
        Console.WriteLine($"the same: {generation == NftablesGeneration.Read()}");
        Apply();
        Console.WriteLine($"whole again: {before == Nft("--stateless list table inet " + NodeFirewall.Table)}");

        void Apply() => firewall.ApplyAsync(Nodes([own + "=10.10.1.0/24"]), default).GetAwaiter().GetResult();

        static string Nft(string arguments) => HostProgram.RunAsync("nft", arguments.Split(' '), default).GetAwaiter().GetResult();
    }

    private static string RoutesIn(string folder) => Path.Combine(folder, "kept", "routes.json");

    private static string Bound(string folder, long bytes)
    {
        var plan = MemoryPlan.Make(1L << 30, 0) with { Folders = [new RamFolder(folder, "files of a test", bytes)] };
        return new MemoryWatch(plan).LookAsync(default).GetAwaiter().GetResult();
    }

    private static ClusterNodes Nodes(IEnumerable<string> texts)
    {
        var nodes = new ClusterNodes();
        var told = new List<ClusterNode>();
        foreach (var text in texts)
        {
            var parts = text.Split('=');
            told.Add(new ClusterNode(parts[0], IPAddress.TryParse(parts[1], out var address) ? address : null,
                IPNetwork.TryParse(parts[2], out var pods) ? pods : null));
        }
        nodes.Take(new Kubernetes.Watching.WatchSnapshot<ClusterNode>(told, 1, null));
        return nodes;
    }
}
