using System.Net;
using System.Net.Sockets;
using CsCheck;
using Operos.Names;

namespace Operos.Controller.Tests;

public sealed class ZoneSerialTests
{
    // RFC 1035: a question about a.b, its owner as a pointer, SOA, IN, 5 s, then names by pointers, serial and four timers.
    private static readonly byte[] Question = [0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, (byte)'a', 1, (byte)'b', 0, 0, 6, 0, 1];
    private static readonly byte[] Record = [0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 5, 0, 24, 0xc0, 12, 0xc0, 12,
        0x12, 0x34, 0x56, 0x78, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4];

    [Fact]
    public void The_serial_number_is_read_from_an_answer()
    {
        byte[] answer = [.. Question, .. Record];
        Assert.Null(ZoneSerial.Read(answer, Question.Length));
        answer[7] = 1;
        Assert.Equal(0x12345678u, ZoneSerial.Read(answer, Question.Length));
        byte[] full = [.. Question, 1, (byte)'a', 1, (byte)'b', 0, .. Record.AsSpan(2)];
        full[7] = 1;
        Assert.Equal(0x12345678u, ZoneSerial.Read(full, Question.Length));
        foreach (var length in Enumerable.Range(0, answer.Length)) Assert.Null(ZoneSerial.Read(answer.AsSpan(0, length), Question.Length));
    }

    [Fact]
    public void No_answer_is_more_than_wrong() => Gen.Byte.Array[0, 80].Sample(answer =>
    {
        if (answer.Length > 7) answer[7] |= 1;
        _ = ZoneSerial.Read(answer, Question.Length);
    });

    [Fact]
    public async Task A_server_that_is_away_has_no_serial_number()
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var away = (IPEndPoint)taken.LocalEndPoint!;
        taken.Dispose();
        var serial = new ZoneSerial(away, type => new Socket(AddressFamily.InterNetwork, type, ProtocolType.Unspecified));
        Assert.Null(await serial.AskAsync("a.b", CancellationToken.None));
    }
}
