using System.Net;
using System.Net.Sockets;

namespace Operos.Lab;

/// <summary>TCP sockets made in a namespace, used from here.</summary>
public sealed class NamespaceSockets(string name)
{
    /// <param name="address">One of those that the namespace has; null for all.</param>
    public Socket Listen(int port, string? address = null) => Make(socket =>
    {
        socket.Bind(new IPEndPoint(address is null ? IPAddress.Any : IPAddress.Parse(address), port));
        socket.Listen();
    });

    public Socket Connect(string address, int port) => Make(socket =>
    {
        if (!socket.ConnectAsync(IPAddress.Parse(address), port).Wait(TimeSpan.FromSeconds(5)))
            throw new TimeoutException($"{name} does not reach {address}:{port}");
    });

    private Socket Make(Action<Socket> prepare) => NamespaceThread.Run(name, () =>
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        prepare(socket);
        return socket;
    });
}
