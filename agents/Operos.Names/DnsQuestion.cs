using System.Net;
using System.Net.Sockets;

namespace Operos.Names;

/// <summary>Asks a name server one question, as its clients do: by UDP, without recursion (RFC 1035, 4.1).</summary>
/// <param name="open">Makes a socket where the server runs.</param>
internal sealed class DnsQuestion(IPEndPoint server, Func<SocketType, Socket> open)
{
    public const int HeaderBytes = 12;
    private const int IsResponse = 0x80, LongestAnswer = 512;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>The whole answer, whatever it says, and where its first record begins; null where none comes.</summary>
    public async Task<(byte[] Message, int Records)?> AskAsync(string name, int type, int @class, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        var question = Write(name, type, @class);
        var answer = new byte[LongestAnswer];
        try
        {
            using var socket = open(SocketType.Dgram);
            await socket.ConnectAsync(server, patience.Token).ConfigureAwait(false);
            await socket.SendAsync(question, patience.Token).ConfigureAwait(false);
            while (true)
            {
                var length = await socket.ReceiveAsync(answer, patience.Token).ConfigureAwait(false);
                if (length >= HeaderBytes && answer.AsSpan(0, 2).SequenceEqual(question.AsSpan(0, 2)) && (answer[2] & IsResponse) != 0)
                    return (answer[..length], question.Length);
            }
        }
        catch (SocketException) { return null; }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested) { return null; }
    }

    private static byte[] Write(string name, int type, int @class)
    {
        var message = new MessageWriter();
        message.UInt16(Random.Shared.Next(0x10000));
        message.UInt16(0);
        message.UInt16(1);
        message.Bytes(stackalloc byte[6]);
        message.Name(name);
        message.UInt16(type);
        message.UInt16(@class);
        return message.ToArray();
    }
}
