using System.Text.Json;
using Operos.Linux.Ceph;

namespace Operos.Ceph.Monitors;

/// <summary>
/// Asks the monitor and the manager, one thing at a time, over one connection. librados blocks: each call has a thread of its own, and
/// whoever asks waits for a bounded time, whatever becomes of that. A call that does not come back is left with its connection, and the
/// next one begins another.
/// </summary>
/// <param name="configuration">The client's <c>ceph.conf</c>, of which <c>client.admin</c> is.</param>
internal sealed class MonitorClient(string configuration) : IDisposable
{
    private const string User = "client.admin";
    private const int MostLeft = 2;
    /// <summary>What librados is told: to connect, and to answer, takes no longer each.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(8);
    /// <summary>For one's turn, and for the call itself.</summary>
    private static readonly TimeSpan LongestQueue = TimeSpan.FromSeconds(20), LongestCall = TimeSpan.FromSeconds(20);

    private readonly Lock lineLock = new();
    private volatile Line line = new();
    private int left;

    /// <exception cref="IOException">Nobody answers in time, or it is refused.</exception>
    public async Task<JsonElement> AskAsync(CephCommand command, CancellationToken cancellationToken)
    {
        var reply = await SendAsync(command, cancellationToken).ConfigureAwait(false);
        // Most that change something answer nothing.
        if (reply.All(letter => letter is (byte)'\n' or (byte)' ')) return default;
        try
        {
            using var document = JsonDocument.Parse(reply);
            return document.RootElement.Clone();
        }
        catch (JsonException e) { throw new IOException($"ceph {command}: no JSON: {e.Message}", e); }
    }

    /// <exception cref="IOException">Nobody answers in time, or it is refused: then a <see cref="RadosException"/> is within.</exception>
    public async Task<byte[]> SendAsync(CephCommand command, CancellationToken cancellationToken)
    {
        var own = line;
        if (!await own.Turn.WaitAsync(LongestQueue, cancellationToken).ConfigureAwait(false))
            throw new IOException($"ceph {command}: others were asked for {LongestQueue.TotalSeconds:0} s before it");
        var call = Task.Factory.StartNew(() => Call(own, command), CancellationToken.None, TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        try { return await call.WaitAsync(LongestCall, cancellationToken).ConfigureAwait(false); }
        catch (TimeoutException)
        {
            Leave(own);
            throw new IOException($"ceph {command}: no answer within {LongestCall.TotalSeconds:0} s");
        }
        catch (RadosException e) { throw new IOException($"ceph {command}: {e.Message}", e); }
    }

    /// <summary>A call that is under way ends by itself, and closes its connection.</summary>
    public void Dispose()
    {
        var own = line;
        own.IsLeft = true;
        if (!own.Turn.Wait(TimeSpan.Zero)) return;
        own.Close();
        own.Turn.Release();
    }

    private byte[] Call(Line own, CephCommand command)
    {
        try
        {
            own.Connection ??= RadosConnection.Open(User, configuration, Patience);
            return command.OfManager ? own.Connection.AskManager(command.ToJson(), command.Input)
                : own.Connection.AskMonitor(command.ToJson(), command.Input);
        }
        // A monitor that was away may be another by now, with another key.
        catch (RadosException e) when (e.IsTimeout)
        {
            own.Close();
            throw;
        }
        finally
        {
            if (own.IsLeft) own.Close();
            if (own.IsCounted) Interlocked.Decrement(ref left);
            own.Turn.Release();
        }
    }

    /// <summary>Gives up a connection whose call hangs, as long as few do: each keeps its threads.</summary>
    private void Leave(Line own)
    {
        lock (lineLock)
        {
            if (line != own || left >= MostLeft) return;
            (own.IsLeft, own.IsCounted) = (true, true);
            Interlocked.Increment(ref left);
            line = new Line();
        }
    }

    /// <summary>A connection, and whose turn it is to use it.</summary>
    private sealed class Line
    {
        public SemaphoreSlim Turn { get; } = new(1);

        public RadosConnection? Connection { get; set; }

        /// <summary>Whether it is closed after the call that is under way.</summary>
        public volatile bool IsLeft;

        /// <summary>Whether it is one of those that were given up.</summary>
        public volatile bool IsCounted;

        public void Close()
        {
            Connection?.Dispose();
            Connection = null;
        }
    }
}
