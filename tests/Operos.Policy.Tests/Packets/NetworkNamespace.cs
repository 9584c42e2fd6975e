using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Operos.Policy.Tests.Packets;

/// <summary>A host of the lab: its sockets are made inside it, and used from here.</summary>
internal sealed partial class NetworkNamespace(string name)
{
    private const int CLONE_NEWNET = 0x40000000;

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

    /// <summary>A socket belongs to the namespace of the thread that made it (network_namespaces(7)).</summary>
    private Socket Open(AddressFamily family, SocketType type, ProtocolType protocol, Action<Socket>? prepare)
    {
        Socket? socket = null;
        Exception? problem = null;
        var thread = new Thread(() =>
        {
            try
            {
                using var handle = File.OpenHandle($"/var/run/netns/{Name}");
                if (setns(handle, CLONE_NEWNET) != 0) throw new IOException($"setns: errno {Marshal.GetLastPInvokeError()}");
                socket = new Socket(family, type, protocol);
                prepare?.Invoke(socket);
            }
            catch (Exception e) { problem = e; }
        }, maxStackSize: 256 * 1024);
        thread.Start();
        thread.Join();
        return problem is null ? socket! : throw problem;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setns(Microsoft.Win32.SafeHandles.SafeFileHandle descriptor, int type);
}
