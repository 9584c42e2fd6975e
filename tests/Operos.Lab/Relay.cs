using System.Net;
using System.Net.Sockets;

namespace Operos.Lab;

/// <summary>A port on this host's loopback that leads to one inside a namespace, and can be cut.</summary>
public sealed class Relay : IDisposable
{
    private readonly Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Func<Socket> connect;
    private readonly List<Socket> ends = [];
    private readonly Lock endsLock = new();
    private bool cut;
    private long received;

    /// <param name="connect">Makes a connection to where it leads.</param>
    public Relay(Func<Socket> connect)
    {
        this.connect = connect;
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndPoint!).Port;

    /// <summary>Bytes that came from where it leads.</summary>
    public long Received => Interlocked.Read(ref received);

    /// <summary>Breaks every connection, and those to come.</summary>
    public void Cut()
    {
        lock (endsLock)
        {
            cut = true;
            ends.ForEach(end => end.Dispose());
            ends.Clear();
        }
    }

    public void Mend()
    {
        lock (endsLock) cut = false;
    }

    public void Dispose()
    {
        listener.Dispose();
        Cut();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            Socket near;
            try { near = await listener.AcceptAsync().ConfigureAwait(false); }
            catch (SocketException) { return; }
            catch (ObjectDisposedException) { return; }
            if (Join(near) is not { } far) { near.Dispose(); continue; }
            _ = CopyAsync(near, far, _ => { });
            _ = CopyAsync(far, near, count => Interlocked.Add(ref received, count));
        }
    }

    private Socket? Join(Socket near)
    {
        lock (endsLock)
        {
            if (cut) return null;
            try
            {
                var far = connect();
                ends.AddRange([near, far]);
                return far;
            }
            catch (Exception e) when (e is SocketException or AggregateException or TimeoutException) { return null; }
        }
    }

    private static async Task CopyAsync(Socket from, Socket to, Action<int> count)
    {
        var buffer = new byte[65536];
        try
        {
            while (await from.ReceiveAsync(buffer).ConfigureAwait(false) is var got and > 0)
            {
                count(got);
                for (var sent = 0; sent < got;) sent += await to.SendAsync(buffer.AsMemory(sent, got - sent)).ConfigureAwait(false);
            }
        }
        catch (SocketException) { /* one end went: so does the other */ }
        catch (ObjectDisposedException) { /* it was cut */ }
        from.Dispose();
        to.Dispose();
    }
}
