using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Operos.Policy.Tests.Packets;

/// <summary>A pod, or a host outside: answers on every port that the cases use, and notes what reached it.</summary>
internal sealed class LabHost : IDisposable
{
    public static readonly int[] TcpPorts = [53, 80, 81, 443, 8080, 8085], UdpPorts = [53, 80];
    private static readonly TimeSpan ForDenied = TimeSpan.FromMilliseconds(350), ForAllowed = TimeSpan.FromSeconds(30);
    private readonly List<Socket> listening = [];
    private readonly ConcurrentDictionary<string, int> received = new();

    public LabHost(string name, NetworkNamespace inside, string v4, string v6)
    {
        (Name, Namespace, V4, V6) = (name, inside, v4, v6);
        foreach (var port in TcpPorts) Serve(inside.Listen(port), AnswerStreamsAsync);
        foreach (var port in UdpPorts) Serve(inside.Receive(port), EchoAsync);
    }

    public string Name { get; }
    public NetworkNamespace Namespace { get; }
    public string V4 { get; }
    public string V6 { get; }

    /// <summary>How many datagrams with this text arrived.</summary>
    public int Received(string text) => received.GetValueOrDefault(text);

    /// <summary>Whether a connection opens and brings an answer, or a datagram an echo. Waits longer for what should come.</summary>
    public Task<bool> ReachesAsync(LabHost other, string protocol, int port, bool expected, bool v6 = false)
    {
        var to = new IPEndPoint(IPAddress.Parse(v6 ? other.V6 : other.V4), port);
        return protocol == "UDP" ? PingAsync(to, expected) : DialAsync(to, expected);
    }

    /// <summary>The same with an address that may be no host's own.</summary>
    public Task<bool> ReachesAsync(string address, string protocol, int port, bool expected)
    {
        var to = new IPEndPoint(IPAddress.Parse(address), port);
        return protocol == "UDP" ? PingAsync(to, expected) : DialAsync(to, expected);
    }

    /// <summary>A connection that stays, to write to again and again; null where it does not open.</summary>
    public async Task<Socket> ConnectAsync(LabHost other, int port)
    {
        var socket = Namespace.Tcp(AddressFamily.InterNetwork);
        using var deadline = new CancellationTokenSource(ForAllowed);
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Parse(other.V4), port), deadline.Token);
        return socket;
    }

    /// <summary>Whether the other side still answers on a connection.</summary>
    public static async Task<bool> AnswersAsync(Socket socket, bool expected)
    {
        using var deadline = new CancellationTokenSource(expected ? ForAllowed : ForDenied);
        try
        {
            await socket.SendAsync("?"u8.ToArray(), deadline.Token);
            return await socket.ReceiveAsync(new byte[1], deadline.Token) == 1;
        }
        catch (OperationCanceledException) { return false; }
    }

    public void Send(LabHost other, int port, string text, string? from = null)
    {
        using var socket = Namespace.Udp(AddressFamily.InterNetwork);
        if (from is not null) socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        socket.SendTo(Encoding.ASCII.GetBytes(text), new IPEndPoint(IPAddress.Parse(other.V4), port));
    }

    public void Dispose()
    {
        foreach (var socket in listening) socket.Dispose();
    }

    private async Task<bool> DialAsync(IPEndPoint to, bool expected)
    {
        using var socket = Namespace.Tcp(to.AddressFamily);
        using var deadline = new CancellationTokenSource(expected ? ForAllowed : ForDenied);
        try
        {
            await socket.ConnectAsync(to, deadline.Token);
            return await AnswersAsync(socket, expected: true);
        }
        catch (OperationCanceledException) { return false; }
        catch (SocketException) { return false; }
    }

    private async Task<bool> PingAsync(IPEndPoint to, bool expected)
    {
        using var socket = Namespace.Udp(to.AddressFamily);
        await socket.ConnectAsync(to);
        using var deadline = new CancellationTokenSource(expected ? ForAllowed : ForDenied);
        try
        {
            var echo = socket.ReceiveAsync(new byte[16], deadline.Token).AsTask();
            while (!echo.IsCompleted)
            {
                await socket.SendAsync("ping"u8.ToArray(), deadline.Token);
                await Task.WhenAny(echo, Task.Delay(150, deadline.Token));
            }
            return await echo > 0;
        }
        catch (OperationCanceledException) { return false; }
        catch (SocketException) { return false; }
    }

    private void Serve(Socket socket, Func<Socket, Task> answer)
    {
        listening.Add(socket);
        _ = Task.Run(async () =>
        {
            try { await answer(socket); }
            catch (Exception e) when (e is SocketException or ObjectDisposedException) { }
        });
    }

    private async Task AnswerStreamsAsync(Socket listener)
    {
        while (true)
        {
            var client = await listener.AcceptAsync();
            Serve(client, async stream =>
            {
                var buffer = new byte[64];
                while (await stream.ReceiveAsync(buffer) is var count and > 0) await stream.SendAsync(buffer.AsMemory(0, count));
            });
        }
    }

    private async Task EchoAsync(Socket socket)
    {
        var buffer = new byte[256];
        while (true)
        {
            var result = await socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.IPv6Any, 0));
            received.AddOrUpdate(Encoding.ASCII.GetString(buffer, 0, result.ReceivedBytes), 1, (_, count) => count + 1);
            // Nobody may listen there any more.
            try { await socket.SendToAsync(buffer.AsMemory(0, result.ReceivedBytes), result.RemoteEndPoint); }
            catch (SocketException) { }
        }
    }
}
