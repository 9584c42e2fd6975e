using System.Net;
using System.Net.Sockets;
using Operos.Lab;

namespace Operos.Policy.Tests.Packets;

/// <summary>A host of the lab: its sockets are made inside it, and used from here.</summary>
internal sealed class NetworkNamespace(string name)
{
    public string Name { get; } = name;

    /// <summary>How a program is run inside.</summary>
    public IReadOnlyList<string> Command(params string[] line) => ["nsenter", $"--net=/var/run/netns/{Name}", .. line];

    public Socket Tcp(AddressFamily family) => Open(family, SocketType.Stream, ProtocolType.Tcp, null);

    public Socket Udp(AddressFamily family) => Open(family, SocketType.Dgram, ProtocolType.Udp, null);

    public Socket Listen(int port) => Open(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp, socket =>
    {
        socket.DualMode = true;
        socket.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
        socket.Listen(256);
    });

    public Socket Receive(int port) => Open(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp, socket =>
    {
        socket.DualMode = true;
        socket.ReceiveBufferSize = 1 << 20;
        socket.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
    });

    private Socket Open(AddressFamily family, SocketType type, ProtocolType protocol, Action<Socket>? prepare) =>
        NamespaceThread.Run(Name, () =>
    {
        var socket = new Socket(family, type, protocol);
        prepare?.Invoke(socket);
        return socket;
    });
}
