using System.Net;
using System.Net.Sockets;
using Operos.Lab;
using Operos.Linux;
using Operos.Node.Network;

namespace Operos.Node.Tests;

/// <summary>
/// What pods reach of machines: real packets between namespaces with the real kernel and nftables, by each way that there is.
/// </summary>
public sealed class FirewallTests
{
    private const string Controller = NodeRack.Gateway;
    private const int Control = 7443, Boot = 7480, Etcd = 2379, Tftp = 69, Ntp = 123, Api = 6443, Kubelet = 10250, Open = 9100,
        Monitor = 3300, Osd = 6805;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5), Silence = TimeSpan.FromSeconds(1.2);

    /// <summary>From a namespace to an address and a port.</summary>
    private sealed record Way(string Name, string From, string Address, int Port, ProtocolType Protocol = ProtocolType.Tcp);

    [Fact]
    public async Task Pods_reach_what_machines_serve_each_other_by_no_way()
    {
        await using var rack = await NodeRack.CreateAsync("firewall");
        var controller = await rack.AddNodeAsync("controller", Controller, "10.10.0.0/24");
        var a = await rack.AddNodeAsync("a", "10.77.0.11", "10.10.1.0/24");
        var b = await rack.AddNodeAsync("b", "10.77.0.12", "10.10.2.0/24");
        var outside = await rack.AddHostAsync("out", "10.77.0.200", 1500);
        RackNode[] all = [controller, a, b];
        foreach (var node in all) await node.ApplyAsync(all);
        var (far, near, stray) = (await a.AddPodAsync("far"), await controller.AddPodAsync("near"), await controller.AddPodAsync("stray"));
        await LeadAsync(a, $"ip daddr 10.11.0.99 tcp dport 443 dnat to {Controller}:{Control}",
            $"ip daddr 10.11.0.1 tcp dport 443 dnat to {Controller}:{Api}");
        foreach (var node in (RackNode[])[controller, b])
            await LeadAsync(node, $"ip daddr {node.Address} tcp dport 30443 dnat to {Controller}:{Control}",
                $"ip daddr {node.Address} tcp dport 30080 dnat to {Controller}:{Open}");
        await SendLoopbackAddressesAsync(stray, "10.10.0.1", controller);
        using var served = Serve(controller, Control, Boot, Etcd, Api, Kubelet, Open, Monitor);
        using var others = Serve(b, Etcd, Kubelet, Osd);
        using var own = Serve(a, Boot);

        Way[] shut =
        [
            new("the control port", far.Namespace, Controller, Control),
            new("the boot server", far.Namespace, Controller, Boot),
            new("TFTP", far.Namespace, Controller, Tftp, ProtocolType.Udp),
            new("the time", far.Namespace, Controller, Ntp, ProtocolType.Udp),
            new("etcd", far.Namespace, Controller, Etcd),
            new("a worker's etcd", far.Namespace, b.Address, Etcd),
            new("the monitor of Ceph", far.Namespace, Controller, Monitor),
            new("an OSD", far.Namespace, b.Address, Osd),
            new("what the pod's own node serves", far.Namespace, a.Address, Boot),
            new("the same by the pod's gateway", far.Namespace, "10.10.1.1", Boot),
            new("the controller's address among pods", far.Namespace, "10.10.0.1", Control),
            new("a service's address", far.Namespace, "10.11.0.99", 443),
            new("a node port of the controller", far.Namespace, Controller, 30443),
            new("a node port of another node", far.Namespace, b.Address, 30443),
            new("the control port, from the controller's pod", near.Namespace, Controller, Control),
            new("TFTP, from the controller's pod", near.Namespace, Controller, Tftp, ProtocolType.Udp),
            new("the boot server, by the gateway of the controller's pod", near.Namespace, "10.10.0.1", Boot),
            new("a loopback address of the controller", stray.Namespace, "127.0.53.1", Etcd),
            new("another one, at a port that is open elsewhere", stray.Namespace, "127.0.0.1", Open),
        ];
        Way[] open =
        [
            new("the API server", far.Namespace, Controller, Api),
            new("the API server by its service", far.Namespace, "10.11.0.1", 443),
            new("a kubelet", far.Namespace, b.Address, Kubelet),
            new("the controller's kubelet, from its pod", near.Namespace, Controller, Kubelet),
            new("a port of a pod on the host's network", far.Namespace, Controller, Open),
            new("a node port", far.Namespace, b.Address, 30080),
            new("a machine's connection", a.Namespace, Controller, Control),
            new("a machine's connection to the monitor", b.Namespace, Controller, Monitor),
            new("a machine's connection to an OSD", a.Namespace, b.Address, Osd),
            new("a machine's TFTP", b.Namespace, Controller, Tftp, ProtocolType.Udp),
            new("a machine's time", b.Namespace, Controller, Ntp, ProtocolType.Udp),
            new("the controller's own, on loopback", controller.Namespace, "127.0.0.1", Etcd),
            new("an operator outside", outside, Controller, Control),
        ];

        Assert.Equal(Names([.. shut, .. open]), await ReachedAsync(Patience, [.. shut, .. open]));
        foreach (var node in all) await node.CloseAsync(all);
        Assert.Empty(await ReachedAsync(Silence, shut));
        Assert.Equal(Names(open), await ReachedAsync(Patience, open));
    }

    [Fact]
    public async Task What_was_connected_before_is_cut_and_a_controller_s_second_address_serves_nobody()
    {
        await using var rack = await NodeRack.CreateAsync("firewall-late");
        var controller = await rack.AddNodeAsync("controller", Controller, "10.10.0.0/24");
        var a = await rack.AddNodeAsync("a", "10.77.0.11", "10.10.1.0/24");
        await controller.ApplyAsync(controller, a);
        await a.ApplyAsync(controller, a);
        var pod = await a.AddPodAsync("early");
        await controller.RunAsync("ip", "address add 10.77.0.5/24 dev eth0");
        using var listener = new NamespaceSockets(controller.Namespace).Listen(Control);
        using var early = new NamespaceSockets(pod.Namespace).Connect(Controller, Control);
        using var accepted = await listener.AcceptAsync().WaitAsync(Patience);
        Way second = new("a second address", pod.Namespace, "10.77.0.5", Control);
        Assert.Equal(Names([second]), await ReachedAsync(Patience, second));

        foreach (var node in (RackNode[])[controller, a]) await node.CloseAsync(controller, a);
        await early.SendAsync("late"u8.ToArray());
        var buffer = new byte[8];
        await Assert.ThrowsAsync<TimeoutException>(() => accepted.ReceiveAsync(buffer).WaitAsync(Silence));
        Assert.Empty(await ReachedAsync(Silence, second));
    }

    [Fact]
    public async Task What_was_flushed_comes_back_with_the_machines_that_were_known_and_all_goes_with_the_node()
    {
        await using var rack = await NodeRack.CreateAsync("firewall-flush");
        var a = await rack.AddNodeAsync("a", "10.77.0.11", "10.10.1.0/24");
        var b = await rack.AddNodeAsync("b", "10.77.0.12", "10.10.2.0/24");
        await a.CloseAsync(a, b);
        var before = await TableAsync(a);
        Assert.Contains("10.77.0.12", before, StringComparison.Ordinal);
        // Another agent, whom the API server has told nothing yet.
        await a.CloseAsync();
        Assert.Equal(before, await TableAsync(a));
        await a.RunAsync("nft", "flush ruleset");
        await a.CloseAsync(a, b);
        Assert.Equal(before, await TableAsync(a));
        // Somebody who opens a hole in it.
        await a.RunAsync("nft", $"insert rule inet {NodeFirewall.Table} closed accept");
        await a.CloseAsync(a, b);
        Assert.Equal(before, await TableAsync(a));
        await a.RunAsync("nft", "add table inet another");
        await a.OpenAsync();
        Assert.Equal("table inet another", (await a.RunAsync("nft", "list tables")).Trim());
    }

    [Fact]
    public async Task While_nobody_touches_nftables_no_program_is_run_and_a_hole_is_closed_at_the_next_look()
    {
        await using var rack = await NodeRack.CreateAsync("firewall-kept");
        var a = await rack.AddNodeAsync("a", "10.77.0.11", "10.10.1.0/24");
        Assert.Equal(["the same: True", "the same: False", "whole again: True"], await a.KeepAsync());
    }

    [Theory]
    [InlineData("1c000000 0f0a 0000 00000000 00000000 00000000 0800 0100 00000007", 7u)]
    [InlineData("24000000 0f0a 0000 00000000 00000000 00000000 0500 0200 01000000 0800 0100 00000108", 264u)]
    [InlineData("", null)]
    [InlineData("24000000 0200 0000 00000000 00000000 ffffffff 0800 0100 00000007", null)]
    [InlineData("1c000000 0f0a 0000 00000000 00000000 00000000 0800 0100 0000", null)]
    [InlineData("1c000000 0f0a 0000 00000000 00000000 00000000 0000 0200 00000000", null)]
    [InlineData("1c000000 0f0a 0000 00000000 00000000 00000000 0600 0100 00000007", null)]
    [InlineData("1c000000 0f0a 0000 00000000 00000000 00000000 0500 0200 01", null)]
    public void A_generation_is_read_from_a_whole_answer_alone(string answer, uint? generation) =>
        Assert.Equal(generation, NftablesGeneration.Parse(Convert.FromHexString(answer.Replace(" ", "", StringComparison.Ordinal))));

    private static Task<string> TableAsync(RackNode node) => node.RunAsync("nft", $"--stateless list table inet {NodeFirewall.Table}");

    [Fact]
    public void Without_Ceph_its_ports_are_anybody_s()
    {
        var cluster = Settings.Node().Cluster;
        Assert.Contains("3300, 6800-7568", new NodeFirewall(cluster, IPAddress.Loopback).Ruleset([]), StringComparison.Ordinal);
        Assert.DoesNotContain("3300", new NodeFirewall(cluster with { HasCeph = false }, IPAddress.Loopback).Ruleset([]),
            StringComparison.Ordinal);
    }

    /// <summary>
    /// What kube-proxy would have written: addresses of services and ports of nodes lead elsewhere, and what is sent on gets the node's
    /// address.
    /// </summary>
    private static Task LeadAsync(RackNode node, params string[] rules)
    {
        var there = $"chain there {{ type nat hook prerouting priority dstnat; {string.Join("; ", rules)}; }}";
        const string Back = "chain back { type nat hook postrouting priority srcnat; ct status dnat masquerade; }";
        return node.RunAsync("nft", $"table ip services {{ {there}; {Back}; }}");
    }

    /// <summary>A pod that sends to its node what is meant for loopback, to a node that takes it, as kube-proxy makes each.</summary>
    private static async Task SendLoopbackAddressesAsync(RackPod pod, string gateway, RackNode node)
    {
        const string Take = "echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet";
        await Shell.RunAsync("nsenter", [$"--net=/run/netns/{node.Namespace}", "sh", "-c", Take], default);
        await Shell.RunAsync("nsenter",
            [
                $"--net=/run/netns/{pod.Namespace}", "sh", "-c",
                $"{Take}; ip address delete 127.0.0.1/8 dev lo; ip route add 127.0.0.0/8 via {gateway} dev eth0 src {pod.Address}",
            ], default);
    }

    private static string[] Names(IEnumerable<Way> ways) => [.. ways.Select(way => way.Name)];

    /// <summary>The ways that lead there; all are tried at once.</summary>
    private static async Task<string[]> ReachedAsync(TimeSpan patience, params Way[] ways)
    {
        var reached = await Task.WhenAll(ways.Select(way => way.Protocol == ProtocolType.Tcp ? ConnectsAsync(way, patience)
            : AnswersAsync(way, patience)));
        return Names(ways.Where((_, index) => reached[index]));
    }

    private static async Task<bool> ConnectsAsync(Way way, TimeSpan patience)
    {
        using var socket = NamespaceThread.Run(way.From, () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        using var deadline = new CancellationTokenSource(patience);
        try
        {
            await socket.ConnectAsync(IPAddress.Parse(way.Address), way.Port, deadline.Token);
            return true;
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException) { return false; }
    }

    private static async Task<bool> AnswersAsync(Way way, TimeSpan patience)
    {
        using var socket = NamespaceThread.Run(way.From, () => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        using var deadline = new CancellationTokenSource(patience);
        try
        {
            await socket.SendToAsync("ask"u8.ToArray(), new IPEndPoint(IPAddress.Parse(way.Address), way.Port));
            return await socket.ReceiveAsync(new byte[8], deadline.Token) > 0;
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException) { return false; }
    }

    /// <summary>Listens at these TCP ports of a node, and answers what comes to its TFTP and its NTP port.</summary>
    private static Listeners Serve(RackNode node, params IEnumerable<int> ports)
    {
        List<Socket> answering = [.. ((int[])[Tftp, Ntp]).Select(port => NamespaceThread.Run(node.Namespace, () =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(new IPEndPoint(IPAddress.Any, port));
            return socket;
        }))];
        foreach (var socket in answering) _ = AnswerAsync(socket);
        return new Listeners([.. answering, .. ports.Select(port => new NamespaceSockets(node.Namespace).Listen(port))]);
    }

    private static async Task AnswerAsync(Socket socket)
    {
        try
        {
            while (true)
            {
                var asked = await socket.ReceiveFromAsync(new byte[64], new IPEndPoint(IPAddress.Any, 0));
                await socket.SendToAsync("answer"u8.ToArray(), asked.RemoteEndPoint);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { }
    }

    private sealed class Listeners(IReadOnlyList<Socket> sockets) : IDisposable
    {
        public void Dispose()
        {
            foreach (var socket in sockets) socket.Dispose();
        }
    }
}
