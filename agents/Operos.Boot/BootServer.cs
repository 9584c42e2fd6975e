using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Operos.Boot;

/// <summary>How much one client, and all together, may hold of the server.</summary>
public sealed record BootServerLimits
{
    public int Connections { get; init; } = 4096;
    public int ConnectionsPerAddress { get; init; } = 1024;
    /// <summary>From the first byte of a connection, or the end of the last answer, to a whole request.</summary>
    public TimeSpan Head { get; init; } = TimeSpan.FromSeconds(15);
    /// <summary>For each <see cref="SliceBytes"/> of an answer: slower clients are let go.</summary>
    public TimeSpan Slice { get; init; } = TimeSpan.FromSeconds(60);
    public int SliceBytes { get; init; } = 1 << 20;
}

/// <summary>
/// The HTTP server of network boot: read-only, ranges, sendfile. A connection that is silent, slow or malformed costs itself
/// only: each has its own deadline, and there are at most so many.
/// </summary>
/// <param name="find">What the path of a request stands for; null where it stands for nothing.</param>
public sealed class BootServer(IPEndPoint endpoint, Func<string, BootContent?> find, BootWatch watch, BootServerLimits limits,
    ILogger<BootServer> logger)
{
    private readonly ConcurrentDictionary<IPAddress, int> perAddress = new();
    private int open;

    /// <summary>Where it listens, once it does.</summary>
    public IPEndPoint? Listening { get; private set; }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var listener = TcpPort.Listen(endpoint);
        Listening = (IPEndPoint)listener.LocalEndPoint!;
        logger.Listens(Listening);
        await TcpPort.AcceptAsync(listener, client => _ = ServeAsync(client, cancellationToken), logger, cancellationToken)
            .ConfigureAwait(false);
    }

    private async Task ServeAsync(Socket socket, CancellationToken cancellationToken)
    {
        using var owned = socket;
        IPAddress? address = null;
        try
        {
            address = (socket.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
            var mine = perAddress.AddOrUpdate(address, 1, (_, count) => count + 1);
            var all = Interlocked.Increment(ref open);
            using var connection = new BootConnection(socket, address, find, watch, limits, logger);
            if (mine > limits.ConnectionsPerAddress || all > limits.Connections) await connection.RefuseAsync(503).ConfigureAwait(false);
            else await connection.RunAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException or ObjectDisposedException) { }
        catch (Exception e) { logger.ServingFailed(e, address); }
        finally
        {
            if (address is not null)
            {
                Interlocked.Decrement(ref open);
                if (perAddress.AddOrUpdate(address, 0, (_, count) => count - 1) <= 0) perAddress.TryRemove(new(address, 0));
            }
        }
    }
}
