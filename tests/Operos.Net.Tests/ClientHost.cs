using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Operos.Lab;

namespace Operos.Net.Tests;

/// <summary>A second host on the rack's switch, in a namespace of its own; sockets made by it are its own.</summary>
internal sealed class ClientHost
{
    private readonly LabNetwork rack;
    private readonly string name;

    private ClientHost(LabNetwork rack, string name) => (this.rack, this.name) = (rack, name);

    /// <summary>The host that the switch itself stands on: where a controller runs.</summary>
    public static ClientHost Of(LabNetwork rack) => new(rack, rack.Name);

    /// <param name="number">0 to 49: tells the hosts of one rack apart.</param>
    /// <param name="address">By default 10.77.0.50 plus the number, below the range of the leases.</param>
    public static async Task<ClientHost> CreateAsync(LabFolder folder, LabNetwork rack, int number = 0, string? address = null)
    {
        var name = $"{rack.Name}-c{number}";
        folder.NoteNamespace(name);
        foreach (var command in new[]
        {
            $"netns add {name}", $"-n {rack.Name} link add port{number} type veth peer name eth0 netns {name}",
            $"-n {rack.Name} link set port{number} master br0 up",
            $"-n {name} link set lo up", $"-n {name} link set eth0 address 52:54:00:cc:00:{number + 1:x2} up",
            $"-n {name} address add {address ?? $"10.77.0.{50 + number}"}/24 dev eth0",
        })
            await Shell.RunAsync("ip", command.Split(' '), default);
        return new ClientHost(rack, name);
    }

    /// <summary>Bounds what the host receives, such as <c>200mbit</c> (tc-tbf(8)).</summary>
    public Task SlowDownAsync(string rate) =>
        Shell.RunAsync("tc", ["-n", rack.Name, "qdisc", "replace", "dev", $"port{name[(name.LastIndexOf('c') + 1)..]}", "root",
            "tbf", "rate", rate, "burst", "256kb", "latency", "20ms"], default);

    /// <summary>Starts a process inside; it dies with us.</summary>
    public Process Start(string program, IEnumerable<string> arguments, string logFile) =>
        rack.Start("nsenter", [$"--net=/var/run/netns/{name}", program, .. arguments], logFile);

    public string Namespace => $"/var/run/netns/{name}";

    /// <summary>Runs a program inside.</summary>
    public Task<string> RunAsync(string program, IEnumerable<string> arguments, bool check = true) =>
        Shell.RunAsync("nsenter", [$"--net={Namespace}", program, .. arguments], default, check);

    /// <summary>Makes a socket inside.</summary>
    public Socket Open(SocketType type, Action<Socket>? prepare = null) => Run(() =>
    {
        var socket = new Socket(AddressFamily.InterNetwork, type, type == SocketType.Stream ? ProtocolType.Tcp : ProtocolType.Udp)
            { ReceiveTimeout = 4000, SendTimeout = 4000 };
        prepare?.Invoke(socket);
        return socket;
    });

    /// <summary>Runs code inside, on a thread of its own; threads that it starts are inside too.</summary>
    public T Run<T>(Func<T> code) => NamespaceThread.Run(name, code);

    /// <param name="port">68 for a client, 67 for a server.</param>
    public Socket OpenDhcp(int port = 68) => Open(SocketType.Dgram, socket =>
    {
        socket.EnableBroadcast = true;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        socket.SetRawSocketOption(1, 25, Encoding.ASCII.GetBytes("eth0\0"));
        socket.Bind(new IPEndPoint(IPAddress.Any, port));
    });
}
