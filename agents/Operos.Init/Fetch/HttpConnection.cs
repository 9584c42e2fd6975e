using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Operos.Init.Fetch;

/// <summary>One persistent HTTP/1.1 connection for GET (RFC 9110, RFC 9112); a peer that is silent for too long has failed.</summary>
internal sealed class HttpConnection(IPEndPoint server) : IDisposable
{
    private const int MaxHeadBytes = 8 * 1024;
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan SilenceTimeout = TimeSpan.FromSeconds(10);

    private readonly byte[] buffer = new byte[64 * 1024];
    private Socket? socket;
    private int start, end;
    private long bodyLeft;
    private bool closeAfter;

    /// <summary>Sends a GET and reads the answer's head; then read the whole body with <see cref="ReadBody"/>.</summary>
    public HttpResponseHead Get(string path, long? from = null, long? to = null, string? ifMatch = null)
    {
        try
        {
            if (socket is null || bodyLeft > 0 || closeAfter) Connect();
            var request = new StringBuilder($"GET {path} HTTP/1.1\r\nHost: {server}\r\nUser-Agent: operos-init\r\n");
            if (from is not null) request.Append(null, $"Range: bytes={from}-{to}\r\n");
            if (ifMatch is not null) request.Append(null, $"If-Match: {ifMatch}\r\n");
            socket!.Send(Encoding.ASCII.GetBytes(request.Append("\r\n").ToString()));
            var head = ReadHead();
            bodyLeft = head.Length;
            closeAfter = head.Close;
            return head;
        }
        catch (Exception e) when (e is SocketException or FetchException)
        {
            Dispose();
            throw e as FetchException ?? new FetchException($"http://{server}{path}: {e.Message}");
        }
    }

    /// <summary>Fills the span from the body.</summary>
    public void ReadBody(Span<byte> target)
    {
        if (target.Length > bodyLeft) throw new FetchException($"the answer is {target.Length - bodyLeft} bytes short");
        try
        {
            while (!target.IsEmpty)
            {
                int count;
                if (end > start)
                {
                    count = Math.Min(end - start, target.Length);
                    buffer.AsSpan(start, count).CopyTo(target);
                    start += count;
                }
                else
                {
                    count = socket!.Receive(target);
                    if (count == 0) throw new FetchException($"the server closed the connection {bodyLeft} bytes before the end");
                }
                bodyLeft -= count;
                target = target[count..];
            }
        }
        catch (Exception e) when (e is SocketException or FetchException)
        {
            Dispose();
            throw e as FetchException ?? new FetchException($"http://{server}: {e.Message}");
        }
    }

    /// <summary>A small file as a whole.</summary>
    /// <exception cref="HttpStatusException">The server does not have it.</exception>
    public byte[] GetAll(string path, int limit)
    {
        var head = Get(path);
        if (head.Status != 200) { Dispose(); throw new HttpStatusException(head.Status, path); }
        if (head.Length > limit) { Dispose(); throw new FetchException($"{path} has {head.Length} bytes; at most {limit} are read"); }
        var body = new byte[head.Length];
        ReadBody(body);
        return body;
    }

    /// <summary>Closes; the next request connects again.</summary>
    public void Dispose()
    {
        socket?.Dispose();
        socket = null;
    }

    private void Connect()
    {
        Dispose();
        start = end = 0;
        bodyLeft = 0;
        closeAfter = false;
        socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, Blocking = false };
        try { socket.Connect(server); }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress) { }
        if (!socket.Poll(ConnectTimeout, SelectMode.SelectWrite))
            throw new FetchException($"http://{server}: no answer to a connection in {ConnectTimeout.TotalSeconds:0} s");
        var error = (int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!;
        if (error != 0) throw new FetchException($"http://{server}: {new SocketException(error).Message}");
        socket.Blocking = true;
        socket.ReceiveTimeout = socket.SendTimeout = (int)SilenceTimeout.TotalMilliseconds;
    }

    private HttpResponseHead ReadHead()
    {
        if (start == end) start = end = 0;
        while (true)
        {
            var length = buffer.AsSpan(start, end - start).IndexOf("\r\n\r\n"u8);
            if (length >= 0)
            {
                var head = HttpResponseHead.Read(buffer.AsSpan(start, length));
                start += length + 4;
                return head;
            }
            if (end - start >= MaxHeadBytes) throw new FetchException("the head of the server's answer is too long");
            var count = socket!.Receive(buffer, end, buffer.Length - end, SocketFlags.None);
            if (count == 0) throw new FetchException("the server closed the connection before it answered");
            end += count;
        }
    }
}
