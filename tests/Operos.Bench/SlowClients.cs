using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Operos.Bench;

/// <summary>
/// Clients that hold a connection each and take as little as they can: a third never ends its request, a third never reads its
/// answer, a third reads a little twice a second.
/// </summary>
internal sealed class SlowClients : IDisposable
{
    private const int Window = 4096;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>By then the server has filled the buffers of their sockets: what follows is having them, not their arrival.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(3);

    private readonly List<Socket> sockets = [];
    private readonly Thread reader;
    private volatile bool ended;

    public SlowClients(int count, int port, string path)
    {
        var request = Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n");
        for (var number = 0; number < count; number++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = Window };
            sockets.Add(socket);
            socket.Connect(BenchController.Address, port);
            socket.Send(number % 3 == 0 ? request.AsSpan(0, 20) : request);
        }
        reader = new Thread(Read) { IsBackground = true };
        reader.Start();
        Thread.Sleep(Settling);
    }

    public void Dispose()
    {
        ended = true;
        reader.Join();
        sockets.ForEach(socket => socket.Dispose());
    }

    private void Read()
    {
        var buffer = new byte[Window];
        while (!ended)
        {
            for (var number = 2; number < sockets.Count; number += 3)
                if (sockets[number].Available > 0) sockets[number].Receive(buffer);
            Thread.Sleep(Pause);
        }
    }
}
