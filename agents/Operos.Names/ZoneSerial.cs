using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Operos.Names;

/// <summary>Asks a name server which serial number of a zone it serves (RFC 1035, 3.3.13).</summary>
/// <param name="open">Makes a socket where the server runs.</param>
internal sealed class ZoneSerial(IPEndPoint server, Func<SocketType, Socket> open)
{
    private const int SOA = 6, IN = 1, HeaderBytes = 12, LongestAnswer = 512;

    /// <summary>The serial number and four timers are the last of an SOA record's data.</summary>
    private const int FromSerialToEnd = 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>Null where the server does not answer, or has no such zone.</summary>
    public async Task<uint?> AskAsync(string zone, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        var question = Question(zone);
        var answer = new byte[LongestAnswer];
        try
        {
            using var socket = open(SocketType.Dgram);
            await socket.ConnectAsync(server, patience.Token).ConfigureAwait(false);
            await socket.SendAsync(question, patience.Token).ConfigureAwait(false);
            while (true)
            {
                var length = await socket.ReceiveAsync(answer, patience.Token).ConfigureAwait(false);
                if (length >= question.Length && answer.AsSpan(0, 2).SequenceEqual(question.AsSpan(0, 2)))
                    return Read(answer.AsSpan(0, length), question.Length);
            }
        }
        catch (SocketException) { return null; }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested) { return null; }
    }

    /// <param name="start">Where the answer's first record begins: behind the question.</param>
    internal static uint? Read(ReadOnlySpan<byte> answer, int start)
    {
        if (answer.Length < HeaderBytes || BinaryPrimitives.ReadUInt16BigEndian(answer[6..]) == 0) return null;
        var position = start;
        // The owner: labels up to the root's, or to a pointer.
        while (position < answer.Length && answer[position] is > 0 and < 0xc0) position += answer[position] + 1;
        position += position < answer.Length && answer[position] >= 0xc0 ? 2 : 1;
        if (position + 10 > answer.Length || BinaryPrimitives.ReadUInt16BigEndian(answer[position..]) != SOA) return null;
        var end = position + 10 + BinaryPrimitives.ReadUInt16BigEndian(answer[(position + 8)..]);
        return end > answer.Length || end - FromSerialToEnd < position + 10
            ? null : BinaryPrimitives.ReadUInt32BigEndian(answer[(end - FromSerialToEnd)..]);
    }

    private static byte[] Question(string zone)
    {
        var message = new MessageWriter();
        message.UInt16(Random.Shared.Next(0x10000));
        message.UInt16(0);
        message.UInt16(1);
        message.Bytes(stackalloc byte[6]);
        message.Name(zone);
        message.UInt16(SOA);
        message.UInt16(IN);
        return message.ToArray();
    }
}
