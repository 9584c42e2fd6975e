using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Operos.Lab;

namespace Operos.Node.Tests;

/// <summary>Pods have no IPv6 address of ours, but each card has one of its link, and root in a pod gives itself more.</summary>
public sealed class FirewallIpv6Tests
{
    private const int Control = 7443, Boot = 7480, Kubelet = 10250;
    private const string ControllerAddress = "fd77::1", NodeAddress = "fd77::11", Made = "fd99::2";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5), Silence = TimeSpan.FromSeconds(1.2);

    [Fact]
    public async Task Pods_reach_what_machines_serve_each_other_by_no_IPv6_address_either()
    {
        await using var rack = await NodeRack.CreateAsync("firewall6");
        var controller = await rack.AddNodeAsync("controller", NodeRack.Gateway, "10.10.0.0/24");
        var node = await rack.AddNodeAsync("a", "10.77.0.11", "10.10.1.0/24");
        foreach (var machine in (RackNode[])[controller, node]) await machine.ApplyAsync(controller, node);
        var pod = await node.AddPodAsync("pod");
        var link = await LeadOutAsync(controller, node, pod);
        using var served = Listen(controller.Namespace, Control);
        using var own = Listen(node.Namespace, Boot);
        using var kubelet = Listen(node.Namespace, Kubelet);
        (string Name, string Address, int Port)[] shut =
        [
            ("its node, by the link", link, Boot), ("its node, by another address", NodeAddress, Boot),
            ("another machine", ControllerAddress, Control),
        ];
        (string Name, string Address, int Port) open = ("its kubelet, by the link", link, Kubelet);

        foreach (var (name, address, port) in shut.Append(open))
            Assert.True(await ConnectsAsync(pod, address, port, Patience), $"{name} is not reached before");
        foreach (var machine in (RackNode[])[controller, node]) await machine.CloseAsync(controller, node);
        var reached = await Task.WhenAll(shut.Select(way => ConnectsAsync(pod, way.Address, way.Port, Silence)));
        Assert.Empty(shut.Where((_, index) => reached[index]).Select(way => way.Name));
        Assert.True(await ConnectsAsync(pod, open.Address, open.Port, Patience), $"{open.Name} is not reached after");
    }

    /// <summary>
    /// A rack with IPv6 whose nodes forward it, as an operator may have set it up, and a pod that gave itself an address and a route. The
    /// address of the pod's node on their link.
    /// </summary>
    private static async Task<string> LeadOutAsync(RackNode controller, RackNode node, RackPod pod)
    {
        await controller.RunAsync("ip", $"address add {ControllerAddress}/64 dev eth0 nodad");
        await controller.RunAsync("ip", $"-6 route add fd99::/64 via {NodeAddress}");
        await node.RunAsync("ip", $"address add {NodeAddress}/64 dev eth0 nodad");
        const string Forward = "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding";
        await Shell.RunAsync("nsenter", [$"--net=/run/netns/{node.Namespace}", "sh", "-c", Forward], default);
        var card = JsonNode.Parse(await Shell.RunAsync("ip", ["-n", pod.Namespace, "-json", "link", "show", "eth0"], default))![0]!;
        var links = JsonNode.Parse(await node.RunAsync("ip", "-json link"))!.AsArray();
        var peer = card["link_index"]!.GetValue<int>();
        var name = links.Single(link => link!["ifindex"]!.GetValue<int>() == peer)!["ifname"]!.GetValue<string>();
        await node.RunAsync("ip", $"-6 route add fd99::/64 dev {name}");
        var gateway = await LinkAddressAsync(node.Namespace, name);
        // An address that is still looked for on the link cannot be used.
        await LinkAddressAsync(pod.Namespace, "eth0");
        foreach (var order in (string[])[$"address add {Made}/64 dev eth0 nodad", $"route add default via {gateway} dev eth0 src {Made}"])
            await Shell.RunAsync("ip", ["-n", pod.Namespace, "-6", .. order.Split(' ')], default);
        return $"{gateway}%{card["ifindex"]!.GetValue<int>()}";
    }

    private static async Task<string> LinkAddressAsync(string host, string card)
    {
        var address = "";
        await Wait.UntilAsync($"{card} of {host} has an address of its link", TimeSpan.FromSeconds(10), async () =>
        {
            var text = await Shell.RunAsync("ip",
                ["-n", host, "-6", "-json", "address", "show", "dev", card, "scope", "link", "-tentative"], default);
            address = JsonNode.Parse(text)!.AsArray().SelectMany(found => found?["addr_info"]?.AsArray() ?? [])
                .Select(info => info!["local"]?.GetValue<string>()).FirstOrDefault() ?? "";
            return address.Length > 0;
        });
        return address;
    }

    private static Socket Listen(string host, int port) => NamespaceThread.Run(host, () =>
    {
        var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
        socket.Listen();
        return socket;
    });

    private static async Task<bool> ConnectsAsync(RackPod pod, string address, int port, TimeSpan patience)
    {
        using var socket = NamespaceThread.Run(pod.Namespace,
            () => new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp));
        using var deadline = new CancellationTokenSource(patience);
        try
        {
            await socket.ConnectAsync(IPAddress.Parse(address), port, deadline.Token);
            return true;
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException) { return false; }
    }
}
