using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Operos.Boot;

/// <summary>A TCP port of this machine on which machines are served.</summary>
public static class TcpPort
{
    private const int Backlog = 1024;
    // linux/in.h
    private const int LevelIp = 0, FreeBind = 15;

    /// <summary>
    /// Listens, also at an address that this machine does not have yet: at a boot the network may come after us, and a server that
    /// waits for it need not die of it. Nobody reaches the port before (ip(7), IP_FREEBIND).
    /// </summary>
    /// <exception cref="SocketException">Another holds the port.</exception>
    public static Socket Listen(IPEndPoint endpoint)
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            listener.SetRawSocketOption(LevelIp, FreeBind, BitConverter.GetBytes(1));
            listener.Bind(endpoint);
            listener.Listen(Backlog);
            return listener;
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    /// <summary>Hands over each connection until cancelled.</summary>
    public static async Task AcceptAsync(Socket listener, Action<Socket> serve, ILogger logger, CancellationToken cancellationToken)
    {
        while (true)
        {
            Socket client;
            try { client = await listener.AcceptAsync(cancellationToken).ConfigureAwait(false); }
            catch (SocketException e)
            {
                // Out of descriptors, or a client that was gone at once: the next one must still be served.
                logger.AcceptFailed(e.Message);
                await Task.Delay(100, cancellationToken).ConfigureAwait(false);
                continue;
            }
            serve(client);
        }
    }
}
