using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Operos.Names;

/// <summary>Sends signed updates to the name server over TCP.</summary>
/// <param name="open">Makes a socket; a test's is in another network namespace.</param>
internal sealed class UpdateClient(IPEndPoint server, TransactionKey key, TimeProvider time, Func<SocketType, Socket> open)
{
    private const int HeaderBytes = 12;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Applies a change to one zone; with nothing to change asks nobody.</summary>
    /// <exception cref="DnsUpdateException">The server refused it, or did not answer in time.</exception>
    /// <exception cref="SocketException">The server is not there.</exception>
    public async Task SendAsync(string zone, IEnumerable<ResourceRecord> removed, IEnumerable<ResourceRecord> added,
        CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        Socket? socket = null;
        try
        {
            foreach (var message in UpdateMessage.Write(zone, removed, added))
            {
                if (socket is null)
                {
                    socket = open(SocketType.Stream);
                    await socket.ConnectAsync(server, patience.Token).ConfigureAwait(false);
                }
                using var stream = new NetworkStream(socket, ownsSocket: false);
                await ExchangeAsync(stream, zone, message, patience.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new DnsUpdateException($"{zone}: no answer from {server} within {Patience.TotalSeconds} s");
        }
        catch (IOException e) { throw new DnsUpdateException($"{zone}: {server}: {e.Message}"); }
        finally { socket?.Dispose(); }
    }

    private async Task ExchangeAsync(NetworkStream stream, string zone, MessageWriter message, CancellationToken cancellationToken)
    {
        var bytes = key.Sign(message, time.GetUtcNow());
        // RFC 1035, 4.2.2: over TCP each message has its length before it.
        var framed = new byte[bytes.Length + 2];
        BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)bytes.Length);
        bytes.CopyTo(framed, 2);
        await stream.WriteAsync(framed, cancellationToken).ConfigureAwait(false);

        var length = new byte[2];
        await stream.ReadExactlyAsync(length, cancellationToken).ConfigureAwait(false);
        var answer = new byte[BinaryPrimitives.ReadUInt16BigEndian(length)];
        await stream.ReadExactlyAsync(answer, cancellationToken).ConfigureAwait(false);
        if (answer.Length < HeaderBytes || answer[0] != bytes[0] || answer[1] != bytes[1])
            throw new DnsUpdateException($"{zone}: {server} answered something else");
        if ((answer[3] & 15) is var code and not 0)
            throw new DnsUpdateException($"{zone}: {server} refused an update with code {code} (RFC 2136, 2.2)");
    }
}

/// <summary>The name server did not take an update.</summary>
internal sealed class DnsUpdateException(string message) : Exception(message);
