using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Operos.Kubernetes;

namespace Operos.Node.Tests.Watching;

/// <summary>An HTTP server that breaks the rules as a test wants it: what no real API server can be made to do.</summary>
internal sealed class ScriptedServer : IDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly Func<string, Answer, Task> script;
    private readonly CancellationTokenSource stop = new();

    /// <param name="script">Answers a request by its path and query; the connection closes when it is done.</param>
    public ScriptedServer(Func<string, Answer, Task> script)
    {
        this.script = script;
        listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>Every path and query that was asked for, in order.</summary>
    public ConcurrentQueue<string> Asked { get; } = new();

    public ApiClient Client() => new(new ApiAccess
    {
        Server = new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}"), AuthorityFile = "", CertificateFile = "",
            KeyFile = "",
        CallTimeout = TimeSpan.FromSeconds(5),
    });

    public void Dispose()
    {
        stop.Cancel();
        listener.Dispose();
        stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await listener.AcceptTcpClientAsync(stop.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException) { }
    }

    private async Task ServeAsync(TcpClient connection)
    {
        using (connection)
        {
            try
            {
                var stream = connection.GetStream();
                using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
                var first = await reader.ReadLineAsync(stop.Token) ?? "";
                while (await reader.ReadLineAsync(stop.Token) is { Length: > 0 }) { }
                var path = first.Split(' ')[1];
                Asked.Enqueue(path);
                await script(path, new Answer(stream, stop.Token));
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException
                or IndexOutOfRangeException) { }
        }
    }

    /// <summary>One answer on its way.</summary>
    internal sealed class Answer(NetworkStream stream, CancellationToken stop)
    {
        private const string Ok = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n";

        public long Sent { get; private set; }

        /// <param name="missing">Bytes that are announced and do not come.</param>
        public Task WholeAsync(string body, int missing = 0) => WriteAsync(
            $"{Ok}Content-Length: {Encoding.UTF8.GetByteCount(body) + missing}\r\n\r\n{body}");

        public Task RefuseAsync(int status, string body) => WriteAsync(
            $"HTTP/1.1 {status} no\r\nConnection: close\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}");

        /// <summary>Begins an answer whose length is not known; <see cref="ChunkAsync"/> goes on.</summary>
        public Task BeginAsync() =>
            WriteAsync(Ok + "Transfer-Encoding: chunked\r\n\r\n");

        /// <summary>A part of it; an empty one is the end as the protocol has it.</summary>
        public Task ChunkAsync(string text) => WriteAsync($"{Encoding.UTF8.GetByteCount(text):x}\r\n{text}\r\n");

        public Task SilenceAsync() => Task.Delay(Timeout.Infinite, stop);

        private async Task WriteAsync(string text)
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            await stream.WriteAsync(bytes, stop);
            Sent += bytes.Length;
        }
    }
}
