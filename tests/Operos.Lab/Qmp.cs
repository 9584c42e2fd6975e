using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;

namespace Operos.Lab;

/// <summary>What QEMU tells unasked, such as <c>STOP</c> or <c>SHUTDOWN</c>.</summary>
public sealed record QmpEvent(string Name, JsonElement Data);

/// <summary>A connection to QEMU's machine protocol: a JSON object a line, replies by id, events in between.</summary>
public sealed class Qmp : IAsyncDisposable
{
    /// <summary>No line of QEMU's comes near; a longer one ends the connection.</summary>
    private const int LongestLine = 1 << 20;

    private static readonly TimeSpan ConnectPatience = TimeSpan.FromMinutes(1), Patience = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(20);
    private static readonly BoundedChannelOptions Newest = new(4096) { FullMode = BoundedChannelFullMode.DropOldest };
    private readonly string path;
    private readonly NetworkStream stream;
    private readonly ConcurrentDictionary<long, TaskCompletionSource<JsonElement>> waiting = [];
    private readonly Channel<QmpEvent> events = Channel.CreateBounded<QmpEvent>(Newest);
    private readonly SemaphoreSlim sending = new(1, 1);
    private readonly TaskCompletionSource greeted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task reading;
    private long lastId;
    private volatile string? end;

    private Qmp(string path, Socket socket)
    {
        (this.path, stream) = (path, new NetworkStream(socket, ownsSocket: true));
        reading = ReadAsync();
    }

    /// <summary>For one reader; completes when QEMU closes the connection.</summary>
    public ChannelReader<QmpEvent> Events => events.Reader;

    /// <summary>Nothing more comes; events that came before may still be unread.</summary>
    public bool HasEnded => end is not null;

    /// <summary>Connects, for which QEMU may be just starting, and negotiates. QEMU talks to one client a socket.</summary>
    /// <exception cref="LabException">Nobody answered at the socket within a minute.</exception>
    public static async Task<Qmp> ConnectAsync(string socketPath, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(ConnectPatience);
        Qmp? qmp = null;
        try
        {
            qmp = new Qmp(socketPath, await ReachAsync(socketPath, deadline.Token).ConfigureAwait(false));
            await qmp.greeted.Task.WaitAsync(deadline.Token).ConfigureAwait(false);
            await qmp.ExecuteAsync("qmp_capabilities", null, deadline.Token).ConfigureAwait(false);
            return qmp;
        }
        catch (Exception e)
        {
            if (qmp is not null) await qmp.DisposeAsync().ConfigureAwait(false);
            if (e is OperationCanceledException && !cancellationToken.IsCancellationRequested)
                throw new LabException($"QEMU does not answer at {socketPath} within {ConnectPatience.TotalSeconds:0} s");
            throw;
        }
    }

    /// <summary>Runs a command; what it returned.</summary>
    /// <exception cref="LabException">QEMU refused (class and description), did not answer within a minute, or ended the
    /// connection.</exception>
    public async Task<JsonElement> ExecuteAsync(string command, JsonObject? arguments, CancellationToken cancellationToken)
    {
        var id = Interlocked.Increment(ref lastId);
        var request = new JsonObject { ["execute"] = command, ["id"] = id };
        if (arguments is not null) request["arguments"] = arguments.DeepClone();
        var reply = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        waiting[id] = reply;
        if (end is not null) throw new LabException($"QMP {command}: {end}");
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Patience);
        try
        {
            await SendAsync(request, deadline.Token).ConfigureAwait(false);
            var answer = await reply.Task.WaitAsync(deadline.Token).ConfigureAwait(false);
            if (answer.TryGetProperty("return", out var returned)) return returned;
            var error = answer.GetProperty("error");
            throw new LabException($"QMP {command}: {error.GetProperty("class").GetString()}: {error.GetProperty("desc").GetString()}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new LabException($"QMP {command}: no answer at {path} within {Patience.TotalSeconds:0} s");
        }
        catch (IOException e)
        {
            // Who closed it may have said something before, which is read first.
            await reading.WaitAsync(ConnectPatience, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw new LabException($"QMP {command}: {end ?? e.Message}");
        }
        finally { waiting.TryRemove(id, out _); }
    }

    public async ValueTask DisposeAsync()
    {
        await stream.DisposeAsync().ConfigureAwait(false);
        await reading.ConfigureAwait(false);
    }

    private static async Task<Socket> ReachAsync(string socketPath, CancellationToken cancellationToken)
    {
        while (true)
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellationToken).ConfigureAwait(false);
                return socket;
            }
            catch (SocketException) { socket.Dispose(); }
            catch
            {
                socket.Dispose();
                throw;
            }
            await Task.Delay(Glance, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task SendAsync(JsonObject request, CancellationToken cancellationToken)
    {
        await sending.WaitAsync(cancellationToken).ConfigureAwait(false);
        try { await stream.WriteAsync(Encoding.UTF8.GetBytes(request.ToJsonString() + "\n"), cancellationToken).ConfigureAwait(false); }
        catch (ObjectDisposedException) { throw new LabException($"QMP: the connection to {path} was closed here"); }
        finally { sending.Release(); }
    }

    private async Task ReadAsync()
    {
        try
        {
            var (buffer, filled) = (new byte[8192], 0);
            while (true)
            {
                var count = await stream.ReadAsync(buffer.AsMemory(filled)).ConfigureAwait(false);
                if (count == 0) break;
                filled += count;
                var taken = 0;
                while (buffer.AsSpan(taken, filled - taken).IndexOf((byte)'\n') is var length and >= 0)
                {
                    Take(buffer.AsMemory(taken, length));
                    taken += length + 1;
                }
                buffer.AsSpan(taken, filled - taken).CopyTo(buffer);
                filled -= taken;
                if (filled == LongestLine) throw new LabException($"a line of more than {LongestLine} bytes");
                if (filled == buffer.Length) Array.Resize(ref buffer, buffer.Length * 2);
            }
            end = "QEMU closed the connection";
        }
        catch (Exception e) when (e is IOException or JsonException or InvalidOperationException or KeyNotFoundException or LabException)
        {
            end = $"the connection ended: {e.Message}";
        }
        var failure = new LabException($"QMP at {path}: {end}");
        events.Writer.Complete();
        greeted.TrySetException(failure);
        foreach (var reply in waiting.Values) reply.TrySetException(failure);
    }

    private void Take(ReadOnlyMemory<byte> line)
    {
        using var document = JsonDocument.Parse(line);
        var message = document.RootElement;
        if (message.TryGetProperty("event", out var name))
            events.Writer.TryWrite(new QmpEvent(name.GetString()!, message.TryGetProperty("data", out var data) ? data.Clone() : default));
        else if (message.TryGetProperty("QMP", out _)) greeted.TrySetResult();
        else if (message.TryGetProperty("id", out var id) && waiting.TryGetValue(id.GetInt64(), out var reply))
            reply.TrySetResult(message.Clone());
        // For a late reply nobody waits any more.
    }
}
