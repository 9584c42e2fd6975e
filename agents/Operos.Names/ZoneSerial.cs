using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Operos.Names;

/// <summary>Asks a name server which serial number of a zone it serves (RFC 1035, 3.3.13).</summary>
/// <param name="open">Makes a socket where the server runs.</param>
internal sealed class ZoneSerial(IPEndPoint server, Func<SocketType, Socket> open)
{
    private const int SOA = 6, IN = 1;

    /// <summary>The serial number and four timers are the last of an SOA record's data.</summary>
    private const int FromSerialToEnd = 20;
    private readonly DnsQuestion question = new(server, open);

    /// <summary>Null where the server does not answer, or has no such zone.</summary>
    public async Task<uint?> AskAsync(string zone, CancellationToken cancellationToken) =>
        await question.AskAsync(zone, SOA, IN, cancellationToken).ConfigureAwait(false) is var (answer, records)
            ? Read(answer, records) : null;

    /// <param name="start">Where the answer's first record begins: behind the question.</param>
    internal static uint? Read(ReadOnlySpan<byte> answer, int start)
    {
        if (answer.Length < DnsQuestion.HeaderBytes || BinaryPrimitives.ReadUInt16BigEndian(answer[6..]) == 0) return null;
        var position = start;
        // The owner: labels up to the root's, or to a pointer.
        while (position < answer.Length && answer[position] is > 0 and < 0xc0) position += answer[position] + 1;
        position += position < answer.Length && answer[position] >= 0xc0 ? 2 : 1;
        if (position + 10 > answer.Length || BinaryPrimitives.ReadUInt16BigEndian(answer[position..]) != SOA) return null;
        var end = position + 10 + BinaryPrimitives.ReadUInt16BigEndian(answer[(position + 8)..]);
        return end > answer.Length || end - FromSerialToEnd < position + 10
            ? null : BinaryPrimitives.ReadUInt32BigEndian(answer[(end - FromSerialToEnd)..]);
    }
}
