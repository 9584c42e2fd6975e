using System.Buffers.Binary;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Operos.Linux;

namespace Operos.Ceph.Osds;

/// <summary>
/// Asks a daemon of Ceph by its socket for diagnosis: a command as JSON that ends with a zero, answered by a length of 32 bits, the most
/// significant byte first, and as many bytes of JSON.
/// </summary>
public static class AdminSocket
{
    private const int LongestAnswer = 1 << 20, LongestText = 200;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <returns>The number (epoch) of the newest map of the cluster that an OSD has.</returns>
    /// <exception cref="IOException">It does not answer, or not so.</exception>
    public static async Task<long> NewestMapAsync(string path, CancellationToken cancellationToken)
    {
        var answer = await AskAsync(path, "status", cancellationToken).ConfigureAwait(false);
        try
        {
            using var document = JsonDocument.Parse(answer);
            return document.RootElement.NumberOf("newest_map") is > 0 and var newest ? newest
                : throw new IOException($"{path}: it says not which maps it has");
        }
        // One that is not through with its start does not know the command.
        catch (JsonException) { throw new IOException($"{path}: {PrintableText.Line(Encoding.UTF8.GetString(answer), LongestText)}"); }
    }

    private static async Task<byte[]> AskAsync(string path, string command, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Patience);
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), deadline.Token).ConfigureAwait(false);
            await using var stream = new NetworkStream(socket);
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"{{\"prefix\":\"{command}\",\"format\":\"json\"}}\0"), deadline.Token)
                .ConfigureAwait(false);
            var header = new byte[sizeof(uint)];
            await stream.ReadExactlyAsync(header, deadline.Token).ConfigureAwait(false);
            var length = BinaryPrimitives.ReadUInt32BigEndian(header);
            if (length > LongestAnswer) throw new IOException(string.Create(CultureInfo.InvariantCulture, $"an answer of {length} bytes"));
            var answer = new byte[length];
            await stream.ReadExactlyAsync(answer, deadline.Token).ConfigureAwait(false);
            return answer;
        }
        catch (Exception e) when (e is SocketException or IOException) { throw new IOException($"{path}: {e.Message}", e); }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"{path}: no answer in {Patience.TotalSeconds:0} s");
        }
    }
}
