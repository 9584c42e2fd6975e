using System.Net;
using System.Net.Sockets;

namespace Operos.Names;

/// <summary>Asks a name server whether it answers at all, as its clients do: by UDP.</summary>
/// <param name="open">Makes a socket where the server runs.</param>
internal sealed class DnsProbe(IPEndPoint server, Func<SocketType, Socket> open)
{
    // A question about the server itself (RFC 4892): refused or not, it is answered without asking anybody.
    private const string Name = "version.bind";
    private const int TXT = 16, CH = 3, HeaderBytes = 12, IsResponse = 0x80;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        var question = Question();
        var answer = new byte[512];
        try
        {
            using var socket = open(SocketType.Dgram);
            await socket.ConnectAsync(server, patience.Token).ConfigureAwait(false);
            await socket.SendAsync(question, patience.Token).ConfigureAwait(false);
            while (true)
            {
                var length = await socket.ReceiveAsync(answer, patience.Token).ConfigureAwait(false);
                if (length >= HeaderBytes && answer.AsSpan(0, 2).SequenceEqual(question.AsSpan(0, 2)) && (answer[2] & IsResponse) != 0)
                    return true;
            }
        }
        catch (SocketException) { return false; }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested) { return false; }
    }

    private static byte[] Question()
    {
        var message = new MessageWriter();
        message.UInt16(Random.Shared.Next(0x10000));
        message.UInt16(0);
        message.UInt16(1);
        message.Bytes(stackalloc byte[6]);
        message.Name(Name);
        message.UInt16(TXT);
        message.UInt16(CH);
        return message.ToArray();
    }
}
