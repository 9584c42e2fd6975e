using System.Net;
using System.Net.Sockets;

namespace Operos.Controller.Tests;

/// <summary>
/// Between a client and the controller: passes bytes on, or takes them and keeps them, as a machine does whose programs hang.
/// </summary>
internal sealed class HaltingRelay : IDisposable
{
    private readonly Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly List<Socket> ends = [];
    private volatile TaskCompletionSource going = Done();

    public HaltingRelay(IPEndPoint to)
    {
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        Endpoint = (IPEndPoint)listener.LocalEndPoint!;
        _ = AcceptAsync(to);
    }

    public IPEndPoint Endpoint { get; }

    public void Halt() => going = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void GoOn() => going.TrySetResult();

    public void Dispose()
    {
        listener.Dispose();
        GoOn();
        lock (ends) ends.ForEach(end => end.Dispose());
    }

    private static TaskCompletionSource Done()
    {
        var done = new TaskCompletionSource();
        done.SetResult();
        return done;
    }

    private async Task AcceptAsync(IPEndPoint to)
    {
        try
        {
            while (true)
            {
                var near = await listener.AcceptAsync();
                var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                lock (ends) ends.AddRange([near, far]);
                await far.ConnectAsync(to);
                _ = CopyAsync(near, far);
                _ = CopyAsync(far, near);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { }
    }

    private async Task CopyAsync(Socket from, Socket to)
    {
        var buffer = new byte[65536];
        try
        {
            while (await from.ReceiveAsync(buffer) is var count and > 0)
            {
                await going.Task;
                for (var sent = 0; sent < count;) sent += await to.SendAsync(buffer.AsMemory(sent, count - sent));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { }
        from.Dispose();
        to.Dispose();
    }
}
