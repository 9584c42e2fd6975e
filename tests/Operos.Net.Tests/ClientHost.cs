using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Operos.Lab;

namespace Operos.Net.Tests;

/// <summary>A second host on the rack's switch, in a namespace of its own; sockets made by it are its own.</summary>
internal sealed partial class ClientHost
{
    public const string Address = "10.77.0.50";
    private const int CLONE_NEWNET = 0x40000000;
    private readonly string name;

    private ClientHost(string name) => this.name = name;

    public static async Task<ClientHost> CreateAsync(LabFolder folder, LabNetwork rack)
    {
        var name = rack.Name + "-c";
        folder.NoteNamespace(name);
        foreach (var command in new[]
        {
            $"netns add {name}", $"-n {rack.Name} link add port type veth peer name eth0 netns {name}", $"-n {rack.Name} link set port master br0 up",
            $"-n {name} link set lo up", $"-n {name} link set eth0 address 52:54:00:cc:00:01 up", $"-n {name} address add {Address}/24 dev eth0",
        })
            await Shell.RunAsync("ip", command.Split(' '), default);
        return new ClientHost(name);
    }

    /// <summary>Makes a socket inside: a socket belongs to the namespace of the thread that made it (network_namespaces(7)).</summary>
    public Socket Open(SocketType type, Action<Socket>? prepare = null)
    {
        Socket? socket = null;
        Exception? problem = null;
        var thread = new Thread(() =>
        {
            try
            {
                using var handle = File.OpenHandle($"/var/run/netns/{name}");
                if (setns(handle, CLONE_NEWNET) != 0) throw new IOException($"setns: errno {Marshal.GetLastPInvokeError()}");
                socket = new Socket(AddressFamily.InterNetwork, type, type == SocketType.Stream ? ProtocolType.Tcp : ProtocolType.Udp) { ReceiveTimeout = 4000, SendTimeout = 4000 };
                prepare?.Invoke(socket);
            }
            catch (Exception e) { problem = e; }
        });
        thread.Start();
        thread.Join();
        return problem is null ? socket! : throw problem;
    }

    public Socket OpenDhcp() => Open(SocketType.Dgram, socket =>
    {
        socket.EnableBroadcast = true;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        socket.SetRawSocketOption(1, 25, Encoding.ASCII.GetBytes("eth0\0"));
        socket.Bind(new IPEndPoint(IPAddress.Any, 68));
    });

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setns(Microsoft.Win32.SafeHandles.SafeFileHandle descriptor, int type);
}
