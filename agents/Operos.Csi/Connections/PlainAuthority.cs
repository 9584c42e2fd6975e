using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Operos.Csi.Connections;

/// <summary>
/// Has whoever calls over a socket of this machine name it as a host. The kubelet's gRPC gives the socket's path as <c>:authority</c> (of
/// later ones with <c>%2F</c> in it), which is no host, and Kestrel ends each such request with PROTOCOL_ERROR. Nothing here depends on
/// what the authority is, so its letters are replaced, as many as there are, before Kestrel sees them.
/// </summary>
internal static class PlainAuthority
{
    private const int PrefaceBytes = 24, HeadBytes = 9;
    /// <summary>Kestrel takes no larger frame (RFC 9113, SETTINGS_MAX_FRAME_SIZE): it refuses what is passed on.</summary>
    private const int LongestHeaders = 16_384;
    private const byte HeadersFrame = 1;

    public static void Use(ListenOptions listen) => listen.Use(next => async connection =>
    {
        var received = connection.Transport;
        var replaced = new Pipe(new PipeOptions(useSynchronizationContext: false));
        connection.Transport = new Transport(replaced.Reader, received.Output);
        var copying = CopyAsync(received.Input, replaced.Writer);
        try { await next(connection).ConfigureAwait(false); }
        finally
        {
            connection.Transport = received;
            await replaced.Reader.CompleteAsync().ConfigureAwait(false);
            received.Input.CancelPendingRead();
            await copying.ConfigureAwait(false);
        }
    });

    private sealed record Transport(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    private static async Task CopyAsync(PipeReader from, PipeWriter to)
    {
        Exception? failure = null;
        try
        {
            // Bytes that are passed on as they are, before the next frame's head.
            long untouched = PrefaceBytes;
            while (true)
            {
                var read = await from.ReadAsync().ConfigureAwait(false);
                var left = read.Buffer;
                while (Take(ref left, ref untouched) is { Length: > 0 } taken)
                    foreach (var part in taken) to.Write(part.Span);
                from.AdvanceTo(left.Start, read.Buffer.End);
                var flushed = await to.FlushAsync().ConfigureAwait(false);
                if (read.IsCompleted || read.IsCanceled || flushed.IsCompleted) return;
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException) { failure = e; }
        finally { await to.CompleteAsync(failure).ConfigureAwait(false); }
    }

    /// <returns>What can be passed on now; empty where more must come first.</returns>
    private static ReadOnlySequence<byte> Take(ref ReadOnlySequence<byte> left, ref long untouched)
    {
        ReadOnlySequence<byte> taken;
        if (untouched > 0)
        {
            taken = left.Slice(0, Math.Min(untouched, left.Length));
            untouched -= taken.Length;
        }
        else
        {
            if (left.Length < HeadBytes) return default;
            Span<byte> head = stackalloc byte[HeadBytes];
            left.Slice(0, HeadBytes).CopyTo(head);
            var length = BinaryPrimitives.ReadInt32BigEndian(head) >>> 8;
            var isHeaders = head[3] == HeadersFrame && length <= LongestHeaders;
            if (isHeaders && left.Length < HeadBytes + length) return default;
            taken = left.Slice(0, HeadBytes + (isHeaders ? length : 0));
            untouched = isHeaders ? 0 : length;
            if (isHeaders)
            {
                var frame = taken.ToArray();
                HeaderBlock.ReplaceAuthority(frame.AsSpan(HeadBytes), flags: head[4]);
                left = left.Slice(taken.Length);
                return new(frame);
            }
        }
        left = left.Slice(taken.Length);
        return taken;
    }
}
