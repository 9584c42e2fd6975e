using System.Net;
using System.Net.Sockets;
using System.Text;
using Operos.Lab;

namespace Operos.Node.Tests;

/// <summary>
/// A pod's host port, or a service that has the controller's address for its own, leads there what machines send to the controller: whoever
/// may start pods would give each machine that boots its kernel.
/// </summary>
public sealed class KeptPortTests
{
    private const int Control = 7443, Boot = 7480, Tftp = 69, Ntp = 123, Open = 9100;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task No_pod_serves_in_the_controller_s_place_what_machines_boot_from()
    {
        await using var rack = await NodeRack.CreateAsync("kept");
        var controller = await rack.AddNodeAsync("controller", NodeRack.Gateway, "10.10.0.0/24");
        var node = await rack.AddNodeAsync("a", "10.77.0.11", "10.10.1.0/24");
        var boots = await rack.AddHostAsync("boots", "10.77.0.200", 1500);
        foreach (var machine in (RackNode[])[controller, node]) await machine.ApplyAsync(controller, node);
        var (thief, other) = (await controller.AddPodAsync("thief"), await node.AddPodAsync("other"));
        // As portmap and kube-proxy write them.
        await LeadAsync(controller, "prerouting", Led(thief, Boot), Led(thief, Tftp, "udp"), Led(thief, Open));
        await LeadAsync(node, "output", Led(other, Control));
        var pods = (string[])[thief.Namespace, other.Namespace];
        using var stop = new CancellationTokenSource();
        var serving = pods.Append(controller.Namespace).SelectMany(host =>
            ((int[])[Control, Boot, Open]).Select(port => ServeAsync(host, port, pods.Contains(host) ? "pod" : "controller", stop.Token))
                .Append(AnswerAsync(host, Tftp, pods.Contains(host) ? "pod" : "controller", stop.Token))).ToList();

        Assert.Equal(["pod", "pod", "pod", "pod"], await AskAllAsync());
        foreach (var machine in (RackNode[])[controller, node]) await machine.CloseAsync(controller, node);
        // Host ports of their own are pods' good right.
        Assert.Equal(["controller", "controller", "controller", "pod"], await AskAllAsync());
        await stop.CancelAsync();
        foreach (var server in serving) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => server);

        async Task<string[]> AskAllAsync() =>
            await Task.WhenAll(AskAsync(boots, Boot), AskDatagramAsync(boots, Tftp), AskAsync(node.Namespace, Control),
                AskAsync(boots, Open));
    }

    [Fact]
    public async Task No_pod_tells_machines_the_time_in_the_controller_s_place()
    {
        await using var rack = await NodeRack.CreateAsync("kept-time");
        var controller = await rack.AddNodeAsync("controller", NodeRack.Gateway, "10.10.0.0/24");
        var node = await rack.AddNodeAsync("a", "10.77.0.11", "10.10.1.0/24");
        var boots = await rack.AddHostAsync("boots", "10.77.0.200", 1500);
        foreach (var machine in (RackNode[])[controller, node]) await machine.ApplyAsync(controller, node);
        var (thief, other) = (await controller.AddPodAsync("thief"), await node.AddPodAsync("other"));
        await LeadAsync(controller, "prerouting", Led(thief, Ntp, "udp"));
        await LeadAsync(node, "output", Led(other, Ntp, "udp"));
        using var stop = new CancellationTokenSource();
        List<Task> serving = [AnswerAsync(controller.Namespace, Ntp, "controller", stop.Token),
            AnswerAsync(thief.Namespace, Ntp, "pod", stop.Token), AnswerAsync(other.Namespace, Ntp, "pod", stop.Token)];

        Assert.Equal(["pod", "pod"], await AskBothAsync());
        foreach (var machine in (RackNode[])[controller, node]) await machine.CloseAsync(controller, node);
        Assert.Equal(["controller", "controller"], await AskBothAsync());
        await stop.CancelAsync();
        foreach (var server in serving) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => server);

        Task<string[]> AskBothAsync() => Task.WhenAll(AskDatagramAsync(boots, Ntp), AskDatagramAsync(node.Namespace, Ntp));
    }

    private static Task<string> LeadAsync(RackNode node, string hook, params string[] rules)
    {
        var table = $"table ip ports {{ chain there {{ type nat hook {hook} priority -100; {string.Join("; ", rules)}; }}; }}";
        return Shell.RunAsync("nsenter", [$"--net=/run/netns/{node.Namespace}", "nft", table], default);
    }

    private static string Led(RackPod pod, int port, string protocol = "tcp") =>
        $"ip daddr {NodeRack.Gateway} {protocol} dport {port} dnat to {pod.Address}:{port}";

    private static async Task<string> AskAsync(string host, int port)
    {
        using var socket = NamespaceThread.Run(host, () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        using var deadline = new CancellationTokenSource(Patience);
        await socket.ConnectAsync(IPAddress.Parse(NodeRack.Gateway), port, deadline.Token);
        var buffer = new byte[64];
        return Encoding.ASCII.GetString(buffer, 0, await socket.ReceiveAsync(buffer, deadline.Token));
    }

    private static async Task<string> AskDatagramAsync(string host, int port)
    {
        using var socket = NamespaceThread.Run(host, () => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        using var deadline = new CancellationTokenSource(Patience);
        await socket.ConnectAsync(IPAddress.Parse(NodeRack.Gateway), port, deadline.Token);
        await socket.SendAsync("ask"u8.ToArray(), deadline.Token);
        var buffer = new byte[64];
        return Encoding.ASCII.GetString(buffer, 0, await socket.ReceiveAsync(buffer, deadline.Token));
    }

    /// <summary>Tells everybody who connects by whom it is served.</summary>
    private static async Task ServeAsync(string host, int port, string name, CancellationToken cancellationToken)
    {
        using var listener = new NamespaceSockets(host).Listen(port);
        while (true)
        {
            using var client = await listener.AcceptAsync(cancellationToken);
            await client.SendAsync(Encoding.ASCII.GetBytes(name), cancellationToken);
        }
    }

    private static async Task AnswerAsync(string host, int port, string name, CancellationToken cancellationToken)
    {
        using var socket = NamespaceThread.Run(host, () =>
        {
            var bound = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            bound.Bind(new IPEndPoint(IPAddress.Any, port));
            return bound;
        });
        while (true)
        {
            var asked = await socket.ReceiveFromAsync(new byte[64], new IPEndPoint(IPAddress.Any, 0), cancellationToken);
            await socket.SendToAsync(Encoding.ASCII.GetBytes(name), asked.RemoteEndPoint, cancellationToken);
        }
    }
}
