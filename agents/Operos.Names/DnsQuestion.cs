using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Operos.Names;

/// <summary>Asks a name server one question, as its clients do: by UDP (RFC 1035, 4.1).</summary>
/// <param name="open">Makes a socket where the server runs.</param>
/// <param name="recursive">Whether it may ask others.</param>
internal sealed class DnsQuestion(IPEndPoint server, Func<SocketType, Socket> open, bool recursive = false)
{
    public const int HeaderBytes = 12;
    private const int IsResponse = 0x80, LongestAnswer = 512, RecursionDesired = 0x100;
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

    /// <summary>
    /// Whether an answer holds a TXT record of this one string: no error, a record, and the string as a record has it, its length before it
    /// (RFC 1035, 3.3.14). A resolver that answers whatever it is asked has another.
    /// </summary>
    public static bool HasText(ReadOnlySpan<byte> message, string text)
    {
        if (message.Length < HeaderBytes || (message[3] & 15) != 0 || BinaryPrimitives.ReadUInt16BigEndian(message[6..]) == 0) return false;
        Span<byte> words = stackalloc byte[1 + text.Length];
        words[0] = (byte)text.Length;
        Encoding.ASCII.GetBytes(text, words[1..]);
        return message[HeaderBytes..].IndexOf(words) >= 0;
    }

    /// <summary>Whether the server says that it could not find out, or does not want to (SERVFAIL, REFUSED: RFC 1035, 4.1.1).</summary>
    public static bool IsFailure(ReadOnlySpan<byte> message) => message.Length >= HeaderBytes && (message[3] & 15) is 2 or 5;

    private byte[] Write(string name, int type, int @class)
    {
        var message = new MessageWriter();
        message.UInt16(Random.Shared.Next(0x10000));
        message.UInt16(recursive ? RecursionDesired : 0);
        message.UInt16(1);
        message.Bytes(stackalloc byte[6]);
        message.Name(name);
        message.UInt16(type);
        message.UInt16(@class);
        return message.ToArray();
    }
}
