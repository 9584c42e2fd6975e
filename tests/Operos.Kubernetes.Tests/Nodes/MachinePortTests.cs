using System.Net.Sockets;
using Operos.Lab;

namespace Operos.Kubernetes.Tests.Nodes;

/// <summary>What pods reach of the machines: the API, names and kubelets, and nothing that machines serve to each other.</summary>
[Collection(Cluster.Alone)]
public sealed class MachinePortTests(Cluster cluster, ITestOutputHelper output) : ClusterTest(cluster, output)
{
    private const string Space = "ports", Table = "operos-firewall";
    private const int Control = 7443, Boot = 7480, Ssh = 22, Etcd = 2379, EtcdPeer = 2380;
    private const int Api = 6443, Kubelet = 10250, Names = 53, NodeExporter = 9100;
    private static readonly TimeSpan Restored = TimeSpan.FromMinutes(1);

    /// <summary>Two services that tenants point at the controller's own ports.</summary>
    private static string Around => string.Concat(new[] { ("around", Control), ("usual", Api) }.Select(service => $$"""
        ---
        apiVersion: v1
        kind: Service
        metadata: { name: {{service.Item1}}, namespace: {{Space}} }
        spec: { ports: [{ port: 443, targetPort: {{service.Item2}} }] }
        ---
        apiVersion: v1
        kind: Endpoints
        metadata: { name: {{service.Item1}}, namespace: {{Space}} }
        subsets: [{ addresses: [{ ip: {{NativeController.Address}} }], ports: [{ port: {{service.Item2}} }] }]

        """));

    [Fact]
    public async Task Root_pods_on_a_worker_and_on_the_controller_reach_no_port_that_is_for_machines()
    {
        // A worker whose firewall somebody takes away has it again before a minute is over.
        await Cluster.One.RunAsync("nft", ["delete", "table", "inet", Table], default);
        var taken = System.Diagnostics.Stopwatch.StartNew();
        await Cluster.ApplyAsync(SamplePods.Namespace(Space) + SamplePods.Pod(Space, "worker", await Cluster.IdOfAsync(Cluster.One))
            + SamplePods.Pod(Space, "controller", await Cluster.IdOfAsync(Cluster.Controller)) + Around);
        await SamplePods.RunAsync(Cluster, Space, 2);
        await Cluster.UntilAsync("the firewall is back", Restored - taken.Elapsed,
            async () => (await Cluster.One.RunAsync("nft", ["list", "tables"], default)).Contains(Table, StringComparison.Ordinal));

        // What no machine serves now is served: a port that nobody listens at is closed to everybody.
        using var etcd = new Listeners(Cluster.Controller, Etcd, EtcdPeer, Ssh, NodeExporter);
        using var other = new Listeners(Cluster.Two, Control, Boot, Etcd, Ssh, NodeExporter);
        var (controller, two) = (NativeController.Address, Cluster.Two.Address);
        var (around, usual) = (await AddressAsync("around"), await AddressAsync("usual"));
        string[] shut =
        [
            .. Ways(controller, Control, Boot, Ssh, Etcd, EtcdPeer), $"tftp {controller}",
            .. Ways(two, Control, Boot, Ssh, Etcd), .. Ways(around, 443),
        ];
        string[] open =
        [
            .. Ways(controller, Api, Kubelet, Names, NodeExporter), .. Ways(usual, 443),
            .. Ways(two, Kubelet, NodeExporter), .. Ways(Cluster.One.Address, Kubelet),
        ];
        await Task.WhenAll(((string[])["worker", "controller"]).Select(async pod =>
        {
            await Cluster.UntilAsync($"services lead {pod} somewhere", async () => (await ReachedAsync(pod, Ways(usual, 443))).Count == 1);
            Assert.Equal(open.Order(StringComparer.Ordinal), await ReachedAsync(pod, [.. shut, .. open]));
        }));
        // The others are not shut out with them.
        foreach (var way in shut.Where(way => way.StartsWith("tcp", StringComparison.Ordinal)
            && !way.Contains(around, StringComparison.Ordinal)))
            new NamespaceSockets(Cluster.Network.Name).Connect(
                way.Split(' ')[1], int.Parse(way.Split(' ')[2], System.Globalization.CultureInfo.InvariantCulture)).Dispose();
        new NamespaceSockets(Cluster.Two.Namespace).Connect(controller, Control).Dispose();
        await Cluster.KubectlAsync($"delete namespace {Space} --wait=false");
    }

    [Fact]
    public async Task Whatever_listens_on_a_machine_is_closed_to_pods_or_meant_for_them()
    {
        // iptables-mode kube-proxies of some versions hold the node ports that services have.
        const string Holder = "kube-proxy", MulticastDns = "5353", LinkLocalNames = "5355";
        foreach (var machine in (NativeMachine[])[Cluster.Controller, Cluster.One, Cluster.Two])
        {
            var table = await machine.RunAsync("nft", ["list", "table", "inet", Table], default);
            var closed = table.Split('\n').Where(line => line.Contains("dport", StringComparison.Ordinal)
                && line.EndsWith("drop", StringComparison.Ordinal)).ToList();
            var listeners = (await machine.RunAsync("ss", ["-Hlntup"], default)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.NotEmpty(listeners);
            foreach (var listener in listeners.Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)))
            {
                var (protocol, local, process) = (listener[0], listener[4], listener.ElementAtOrDefault(6) ?? "");
                var (address, port) = (local[..local.LastIndexOf(':')], local[(local.LastIndexOf(':') + 1)..]);
                Assert.False(port is MulticastDns or LinkLocalNames,
                    $"{machine.Name} is open to neighbours' questions: {string.Join(' ', listener)}");
                if (address.StartsWith("127.", StringComparison.Ordinal) || address is "[::1]"
                    || process.Contains(Holder, StringComparison.Ordinal)) continue;
                // Sockets by which unbound asks others; it takes answers only.
                if (protocol == "udp" && process.Contains("unbound", StringComparison.Ordinal) && port != $"{Names}") continue;
                var meant = port == $"{Names}" || (protocol == "tcp" && port is "6443" or "10250");
                var shut = closed.Any(rule => rule.Contains($"{protocol} dport", StringComparison.Ordinal)
                    && rule.Split(' ', ',', '{', '}').Contains(port));
                var problem = shut ? "closed, though pods need it" : "neither closed to pods nor known to be meant for them";
                Assert.True(meant ^ shut, $"{machine.Name}: {string.Join(' ', listener)}: {problem}");
            }
        }
    }

    private Task<string> AddressAsync(string service) =>
        Cluster.KubectlAsync($"-n {Space} get service {service} -o jsonpath={{.spec.clusterIP}}");

    private static string[] Ways(string address, params int[] ports) => [.. ports.Select(port => $"tcp {address} {port}")];

    /// <summary>The ways that lead a pod there, in order; it tries all at once.</summary>
    private async Task<IReadOnlyList<string>> ReachedAsync(string pod, params string[] ways)
    {
        var tries = ways.Select(way => way.Split(' ') is ["tftp", var server]
            ? $"(timeout 3 tftp -g -r pxelinux.cfg/default -l /tmp/menu {server} && echo '{way}') &"
            : $"(nc -w 3 {way[4..]} -e /bin/true && echo '{way}') &");
        var script = string.Join('\n', (string[])["exec 2>/dev/null", .. tries, "wait"]);
        var told = await Cluster.KubectlAsync(["-n", Space, "exec", pod, "--", "sh", "-c", script]);
        return [.. told.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)];
    }

    private sealed class Listeners(NativeMachine machine, params IReadOnlyList<int> ports) : IDisposable
    {
        // On its own address: the real etcd has the port on loopback.
        private readonly List<Socket> sockets =
            [.. ports.Select(port => new NamespaceSockets(machine.Namespace).Listen(port, machine.Address))];

        public void Dispose()
        {
            foreach (var socket in sockets) socket.Dispose();
        }
    }
}
