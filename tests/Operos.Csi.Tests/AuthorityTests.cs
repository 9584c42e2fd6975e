using System.Net.Sockets;
using System.Text;
using Operos.Csi.Connections;

namespace Operos.Csi.Tests;

/// <summary>
/// Calls as the gRPC of Kubernetes' Go makes them: its <c>:authority</c> is the socket's path. .NET's own client sends none such, so what
/// is sent here is written out, frame by frame (RFC 9113, RFC 7541).
/// </summary>
public sealed class AuthorityTests
{
    private const byte Data = 0, Headers = 1, Reset = 3, Settings = 4, EndStream = 1, EndHeaders = 4;

    /// <summary>Kubernetes 1.20 gives the path, from 1.29 on it is escaped; the second call of a connection refers to the first.</summary>
    [Theory]
    [InlineData("/var/lib/kubelet/plugins_registry/rbd.operos.io-reg.sock")]
    [InlineData("%2Fvar%2Flib%2Fkubelet%2Fplugins_registry%2Frbd.operos.io-reg.sock")]
    [InlineData("localhost")]
    public async Task Whoever_names_the_socket_s_path_as_the_host_is_answered(string authority)
    {
        var folder = Directory.CreateTempSubdirectory("operos-csi-");
        try
        {
            await using var plugin = await Plugin.StartAsync(folder.FullName);
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(plugin.Paths.RegistrationSocket));
            await using var stream = new NetworkStream(socket);
            // As it comes in reality, and byte by byte.
            byte[] preface = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8];
            await stream.WriteAsync((byte[])[.. preface, .. Frame(Settings, 0, 0), .. Call(1, Literal(1, authority))]);
            await UntilAnsweredAsync(stream, 1);
            foreach (var one in Call(3, [0x80 | 62])) await stream.WriteAsync(new[] { one });
            await UntilAnsweredAsync(stream, 3);
        }
        finally { folder.Delete(recursive: true); }
    }

    /// <summary>Of an authority only letters are changed, of all else nothing, and no length.</summary>
    [Fact]
    public void What_is_no_authority_and_what_cannot_be_read_stays_as_it_is()
    {
        byte[] others = [0x83, 0x3f, 0x01, 0x0f, 0x2f, 1, (byte)'x', 0, 1, (byte)'n', 0x81, 0xff];
        byte[] padded = [3, .. others, .. Literal(1, "/a"), 0, 0, 0];
        var changed = padded.ToArray();
        HeaderBlock.ReplaceAuthority(changed, flags: 0x8);
        Assert.Equal([3, .. others, .. Literal(1, "aa"), 0, 0, 0], changed);
        foreach (var cut in Enumerable.Range(0, padded.Length))
        {
            var part = padded[..cut];
            HeaderBlock.ReplaceAuthority(part, flags: 0x8);
            Assert.Equal(padded[..cut].Take(1 + others.Length), part.Take(1 + others.Length));
        }
        for (var seed = 0; seed < 2000; seed++)
        {
            var bytes = new byte[64];
            new Random(seed).NextBytes(bytes);
            HeaderBlock.ReplaceAuthority(bytes, bytes[0]);
        }
    }

    /// <summary>A call of GetInfo with an empty message.</summary>
    private static byte[] Call(int streamId, byte[] authority) =>
    [
        .. Frame(Headers, EndHeaders, streamId, [0x83, 0x86, .. Literal(4, "/pluginregistration.Registration/GetInfo", index: false),
            .. authority, .. Literal(31, "application/grpc", index: false), 0, .. Text("te"), .. Text("trailers")]),
        .. Frame(Data, EndStream, streamId, [0, 0, 0, 0, 0]),
    ];

    private static byte[] Literal(int name, string value, bool index = true) => index ? [(byte)(0x40 | name), .. Text(value)]
        : name < 15 ? [(byte)name, .. Text(value)] : [0x0f, (byte)(name - 15), .. Text(value)];

    private static byte[] Text(string value) => [(byte)value.Length, .. Encoding.ASCII.GetBytes(value)];

    private static byte[] Frame(byte kind, byte flags, int streamId, params byte[] payload) =>
        [0, (byte)(payload.Length >> 8), (byte)payload.Length, kind, flags, 0, 0, 0, (byte)streamId, .. payload];

    private static async Task UntilAnsweredAsync(Stream stream, int streamId)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var head = new byte[9];
        while (true)
        {
            await stream.ReadExactlyAsync(head, patience.Token);
            var payload = new byte[head[0] << 16 | head[1] << 8 | head[2]];
            await stream.ReadExactlyAsync(payload, patience.Token);
            Assert.NotEqual(Reset, head[3]);
            if (head[3] != Data || head[8] != streamId || payload.Length == 0) continue;
            Assert.Contains("rbd.operos.io", Encoding.ASCII.GetString(payload), StringComparison.Ordinal);
            return;
        }
    }
}
