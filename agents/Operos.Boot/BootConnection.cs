using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Operos.Boot;

/// <summary>One client's connection: requests in turn, each answered whole before the next is read.</summary>
internal sealed class BootConnection(Socket socket, IPAddress client, Func<string, BootContent?> find, BootWatch watch,
    BootServerLimits limits, ILogger logger) : IDisposable
{
    /// <summary>
    /// edk2's HTTP driver waits for a body until the connection ends, and shim asks for three files that nobody has: without one a boot
    /// takes 45 s longer.
    /// </summary>
    private static readonly byte[] NotFound = "not found\n"u8.ToArray();

    private readonly byte[] buffer = new byte[HttpRequest.MaxHeadBytes];
    private readonly FileSender sender = new(socket);
    private int held;

    public void Dispose() => sender.Dispose();

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        socket.NoDelay = true;
        while (true)
        {
            var length = await ReadHeadAsync(cancellationToken).ConfigureAwait(false);
            if (length < 0)
            {
                if (held > 0) await RefuseAsync(held == buffer.Length ? 431 : 408).ConfigureAwait(false);
                return;
            }
            var request = HttpRequest.Read(buffer.AsSpan(0, length), out var status);
            held -= length + 4;
            buffer.AsSpan(length + 4, held).CopyTo(buffer);
            if (request is null)
            {
                await RefuseAsync(status).ConfigureAwait(false);
                return;
            }
            await AnswerAsync(request, cancellationToken).ConfigureAwait(false);
            if (!request.KeepAlive) return;
        }
    }

    /// <summary>Says why and closes.</summary>
    public async Task RefuseAsync(int status)
    {
        logger.Refused(client, status);
        using var deadline = new CancellationTokenSource(limits.Head);
        var allow = status == 405 ? "Allow: GET, HEAD\r\n" : status == 503 ? "Retry-After: 5\r\n" : "";
        await socket.SendAsync(Encoding.ASCII.GetBytes(
            $"HTTP/1.1 {status} {Reason(status)}\r\n{allow}Content-Length: 0\r\nConnection: close\r\n\r\n"), deadline.Token)
            .ConfigureAwait(false);
        socket.Shutdown(SocketShutdown.Send);
    }

    /// <summary>The length of a request's head, or -1 where the client closed, was too slow or sent too much.</summary>
    private async Task<int> ReadHeadAsync(CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(limits.Head);
        while (true)
        {
            var end = buffer.AsSpan(0, held).IndexOf("\r\n\r\n"u8);
            if (end >= 0) return end;
            if (held == buffer.Length) return -1;
            try
            {
                var count = await socket.ReceiveAsync(buffer.AsMemory(held), deadline.Token).ConfigureAwait(false);
                if (count == 0) return -1;
                held += count;
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested) { return -1; }
        }
    }

    private async Task AnswerAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        var content = find(request.Path);
        FileStream? file = null;
        try { file = content?.File is { } path ? new FileStream(
            path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1, FileOptions.Asynchronous) : null; }
        // Between the look and the open a release may go.
        catch (IOException) { content = null; }
        await using var _ = file;
        if (content is null)
        {
            logger.NotFound(client, request.Path);
            var head = Head(404, NotFound.Length, request.KeepAlive, "Content-Type: text/plain\r\n");
            await SendAsync(request.HeadOnly ? head : [.. head, .. NotFound], cancellationToken).ConfigureAwait(false);
            return;
        }
        var length = file?.Length ?? content.Bytes!.Length;
        var range = request.Select(length, content.ETag);
        var status = !request.Matches(content.ETag) ? 412 : range is null ? 416 : range.Value.Partial ? 206 : 200;
        if (status is 412 or 416)
        {
            await SendAsync(Head(status, 0, request.KeepAlive, status == 416 ? $"Content-Range: bytes */{length}\r\n" : ""),
                cancellationToken).ConfigureAwait(false);
            return;
        }
        var (from, to, partial) = range!.Value;
        logger.Answered(client, request.Path, status, from, to, length);
        var extra = $"ETag: {content.ETag}\r\nAccept-Ranges: bytes\r\nContent-Type: {content.Type}\r\n"
            + (partial ? $"Content-Range: bytes {from}-{to}/{length}\r\n" : "");
        await SendAsync(Head(status, to - from + 1, request.KeepAlive, extra), cancellationToken).ConfigureAwait(false);
        if (request.HeadOnly) return;
        var seen = watch.Begin(client, request.Path, length);
        if (file is null) await SendAsync(content.Bytes.AsMemory((int)from, (int)(to - from + 1)), cancellationToken).ConfigureAwait(false);
        else await SendFileAsync(file, from, to, seen, cancellationToken).ConfigureAwait(false);
    }

    private async Task SendFileAsync(FileStream file, long from, long to, BootTransfer seen, CancellationToken cancellationToken)
    {
        while (from <= to)
        {
            var count = (int)Math.Min(limits.SliceBytes, to - from + 1);
            var sending = sender.SendAsync(file, from, count);
            try { await sending.WaitAsync(limits.Slice, cancellationToken).ConfigureAwait(false); }
            catch (Exception e) when (e is TimeoutException or OperationCanceledException)
            {
                // A reset wakes the transfer; its arguments must not be freed under it.
                socket.Close(0);
                await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                throw new IOException("the client is too slow", e);
            }
            from += count;
            seen.Add(count);
        }
    }

    private async Task SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(limits.Slice);
        while (!bytes.IsEmpty) bytes = bytes[await socket.SendAsync(bytes, deadline.Token).ConfigureAwait(false)..];
    }

    private static byte[] Head(int status, long length, bool keepAlive, string extra) =>
        Encoding.ASCII.GetBytes(
            $"HTTP/1.1 {status} {Reason(status)}\r\nServer: operos\r\nContent-Length: {length}\r\n"
            + $"{extra}{(keepAlive ? "" : "Connection: close\r\n")}\r\n");

    private static string Reason(int status) => status switch
    {
        200 => "OK", 206 => "Partial Content", 400 => "Bad Request", 404 => "Not Found", 405 => "Method Not Allowed",
        408 => "Request Timeout",
        412 => "Precondition Failed", 416 => "Range Not Satisfiable", 431 => "Request Header Fields Too Large",
        503 => "Service Unavailable", _ => "HTTP Version Not Supported",
    };
}
