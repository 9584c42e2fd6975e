using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Operos.Lab;

/// <summary>Sockets in a namespace: one belongs to that of the thread that made it (network_namespaces(7)).</summary>
public sealed partial class NamespaceSockets(string name)
{
    private const int CLONE_NEWNET = 0x40000000;

    public Socket Listen(int port) => Make(socket =>
    {
        socket.Bind(new IPEndPoint(IPAddress.Any, port));
        socket.Listen();
    });

    public Socket Connect(string address, int port) => Make(socket =>
    {
        if (!socket.ConnectAsync(IPAddress.Parse(address), port).Wait(TimeSpan.FromSeconds(5))) throw new TimeoutException($"{name} does not reach {address}:{port}");
    });

    private Socket Make(Action<Socket> prepare)
    {
        Socket? socket = null;
        Exception? problem = null;
        var thread = new Thread(() =>
        {
            try
            {
                using var handle = File.OpenHandle($"/run/netns/{name}");
                if (setns(handle, CLONE_NEWNET) != 0) throw new IOException($"setns: errno {Marshal.GetLastPInvokeError()}");
                socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
                prepare(socket);
            }
            catch (Exception e) { problem = e; }
        });
        thread.Start();
        thread.Join();
        return problem is null ? socket! : throw problem;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setns(Microsoft.Win32.SafeHandles.SafeFileHandle descriptor, int type);
}
