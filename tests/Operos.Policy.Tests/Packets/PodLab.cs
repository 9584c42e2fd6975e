using System.Diagnostics;
using System.Text;
using k8s.Models;
using Operos.Lab;
using Operos.Policy.Nftables;
using Operos.Policy.Tests.Oracle;

namespace Operos.Policy.Tests.Packets;

/// <summary>
/// Two nodes and a host outside, all network namespaces. Node 1 enforces; its pods hang on it as the ptp plugin would have it: a veth pair
/// each, a host route to the pod, a gateway that is no address of the pod's network.
/// </summary>
/// <remarks>
/// Pods a, b, c and new are on node 1, d and e behind node 2, x is outside. a: shop, web; b: shop, api; c: lab, web; d: shop, db; e: lab,
/// api.
/// Their port "http" is 80 in a and c, and 81 in b, d and e.
/// </remarks>
internal sealed class PodLab : IAsyncDisposable
{
    public const string Node = "node-1";
    private static readonly (string Name, string Node, string Home, string App, int Http, int Number)[] Layout =
        [("a", "1", "shop", "web", 80, 2), ("b", "1", "shop", "api", 81, 3), ("c", "1", "lab", "web", 80, 4),
            ("new", "1", "shop", "web", 80, 9), ("d", "2", "shop", "db", 81, 2), ("e", "2", "lab", "api", 81, 3)];

    private readonly LabFolder folder;
    private static int counter;
    private readonly string prefix = $"opol-{Environment.ProcessId}-{Interlocked.Increment(ref counter)}";

    private PodLab(LabFolder folder) => this.folder = folder;

    public Dictionary<string, LabHost> Hosts { get; } = [];
    public NetworkNamespace NodeNamespace { get; private set; } = null!;

    /// <summary>All but "new", which nobody knows yet.</summary>
    public World World { get; } = new(Node, ["10.10.1.0/24", "fd00:10:1::/64"],
        [Namespace("shop", "team", "shop"), Namespace("lab", "team", "lab")],
            [.. Layout.Where(pod => pod.Name != "new").Select(pod => Pod(pod.Name))], []);

    public static async Task<PodLab> CreateAsync(string name)
    {
        var folder = LabFolder.Create(Path.Combine(new Build().Out, "test"), name);
        var lab = new PodLab(folder);
        try
        {
            await lab.BuildAsync();
            await lab.WaitForPathsAsync();
        }
        catch { folder.Dispose(); throw; }
        return lab;
    }

    public RulesetApplier Applier() => new([.. NodeNamespace.Command("nft")]);

    public Task<string> NftAsync(params string[] arguments)
    {
        var command = NodeNamespace.Command(["nft", .. arguments]);
        return Shell.RunAsync(command[0], command.Skip(1), default);
    }

    public static V1Pod Pod(string name, string? app = null)
    {
        var pod = Layout.Single(item => item.Name == name);
        return new V1Pod
        {
            Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = pod.Home,
                Labels = new Dictionary<string, string> { ["app"] = app ?? pod.App } },
            Spec = new V1PodSpec { NodeName = $"node-{pod.Node}",
                Containers = [new V1Container { Name = "main",
                Ports = [new V1ContainerPort { Name = "http", ContainerPort = pod.Http }] }] },
            Status = new V1PodStatus { Phase = "Running", PodIPs = [
                new V1PodIP { Ip = $"10.10.{pod.Node}.{pod.Number}" }, new V1PodIP { Ip = $"fd00:10:{pod.Node}::{pod.Number}" }] },
        };
    }

    public ValueTask DisposeAsync()
    {
        foreach (var host in Hosts.Values) host.Dispose();
        folder.Dispose();
        return ValueTask.CompletedTask;
    }

    private static V1Namespace Namespace(string name, string key, string value) =>
        new() { Metadata = new V1ObjectMeta { Name = name, Labels = new Dictionary<string, string> { [key] = value } } };

    private async Task BuildAsync()
    {
        NetworkNamespace node1 = await AddAsync("n1"), node2 = await AddAsync("n2"), outside = await AddAsync("x");
        NodeNamespace = node1;
        var batches = new Dictionary<string, StringBuilder> { [node1.Name] = new(), [node2.Name] = new(), [outside.Name] = new() };
        void Ip(NetworkNamespace at, string line) => batches[at.Name].Append(line).Append('\n');
        Link(Ip, node1, "up0", node2, "up1", "192.168.77.1", "192.168.77.2", "fd77::1", "fd77::2");
        Link(Ip, node2, "up2", outside, "eth0", "203.0.113.1", "203.0.113.5", "2001:db8::1", "2001:db8::5");
        foreach (var line in new[] { "route add default via 192.168.77.2", "route add ::/0 via fd77::2" }) Ip(node1, line);
        foreach (var line in new[] { "route add 10.10.1.0/24 via 192.168.77.1", "route add fd00:10:1::/64 via fd77::1" }) Ip(node2, line);
        foreach (var line in new[] { "route add default via 203.0.113.1", "route add ::/0 via 2001:db8::1" }) Ip(outside, line);
        foreach (var pod in Layout)
        {
            var inside = await AddAsync(pod.Name);
            batches[inside.Name] = new StringBuilder();
            Attach(Ip, pod.Node == "1" ? node1 : node2, inside, $"veth{pod.Name}", $"10.10.{pod.Node}.{pod.Number}",
                $"fd00:10:{pod.Node}::{pod.Number}");
        }
        foreach (var (name, lines) in batches)
        {
            await File.WriteAllTextAsync(folder[name], $"link set lo up\n{lines}");
            // Links are made from one end: the ends of the others are there by then.
            await Shell.RunAsync("ip", ["-n", name, "-batch", folder[name]], default);
        }
        foreach (var node in new[] { node1, node2 }) await ForwardAsync(node);
        foreach (var pod in Layout)
            Hosts[pod.Name] = new LabHost(pod.Name, new NetworkNamespace($"{prefix}-{pod.Name}"), $"10.10.{pod.Node}.{pod.Number}",
            $"fd00:10:{pod.Node}::{pod.Number}");
        Hosts["x"] = new LabHost("x", outside, "203.0.113.5", "2001:db8::5");
    }

    /// <summary>
    /// While the kernel clears away the namespaces of other labs, a new link may carry nothing for seconds, and who sends over it is told
    /// that the host cannot be reached. Before there is a rule everybody reaches everybody: a case begins when that holds.
    /// </summary>
    private async Task WaitForPathsAsync()
    {
        var clock = Stopwatch.StartNew();
        var left = (from source in Hosts.Values from destination in Hosts.Values
            where source != destination from v6 in new[] { false, true } select (Source: source, Destination: destination, V6: v6))
            .ToList();
        while (left.Count > 0)
        {
            if (clock.Elapsed.TotalSeconds > 60)
                throw new LabException(
                $"without any rule these do not reach each other: "
                + $"{string.Join(", ", left.Select(path => $"{path.Source.Name}>{path.Destination.Name}{(path.V6 ? " 6" : "")}"))}");
            var reached = await Task.WhenAll(left.Select(path =>
                path.Source.ReachesAsync(path.Destination, "UDP", 53, expected: true, path.V6)));
            left = [.. left.Where((_, index) => !reached[index])];
        }
    }

    private async Task<NetworkNamespace> AddAsync(string name)
    {
        var inside = new NetworkNamespace($"{prefix}-{name}");
        folder.NoteNamespace(inside.Name);
        await Shell.RunAsync("ip", ["netns", "add", inside.Name], default);
        return inside;
    }

    private static void Link(Action<NetworkNamespace, string> ip, NetworkNamespace left, string leftName, NetworkNamespace right,
        string rightName, string left4, string right4, string left6, string right6)
    {
        ip(left, $"link add {leftName} type veth peer name {rightName} netns {right.Name}");
        foreach (var (at, name, v4, v6) in new[] { (left, leftName, left4, left6), (right, rightName, right4, right6) })
        {
            ip(at, $"address add {v4}/24 dev {name}");
            ip(at, $"address add {v6}/64 dev {name} nodad");
            ip(at, $"link set {name} up");
        }
    }

    private static void Attach(Action<NetworkNamespace, string> ip, NetworkNamespace node, NetworkNamespace pod, string card, string v4,
        string v6)
    {
        foreach (var line in new[] { $"link add {card} type veth peer name eth0 netns {pod.Name}", $"address add 169.254.1.1/32 dev {card}",
            $"address add fe80::1/64 dev {card} nodad", $"link set {card} up", $"route add {v4}/32 dev {card}",
            $"route add {v6}/128 dev {card}" }) ip(node, line);
        foreach (var line in new[] { $"address add {v4}/32 dev eth0", $"address add {v6}/128 dev eth0 nodad", "link set eth0 up",
            "route add 169.254.1.1/32 dev eth0 scope link", "route add default via 169.254.1.1",
            "route add ::/0 via fe80::1 dev eth0" }) ip(pod, line);
    }

    private static async Task ForwardAsync(NetworkNamespace node)
    {
        var command = node.Command("sh", "-c",
            "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding; echo 0 > "
            + "/proc/sys/net/ipv4/conf/all/rp_filter; for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $f; done");
        await Shell.RunAsync(command[0], command.Skip(1), default);
    }
}
