using Operos.Linux.Ceph;

namespace Operos.Ceph.Monitors;

/// <summary>
/// A connection to the cluster, for one call at a time. librados and librbd block: each call has a thread of its own, and whoever asks
/// waits for a bounded time, whatever becomes of that. A call that does not come back is left with its connection, and the next one
/// begins another.
/// </summary>
/// <param name="configuration">The client's <c>ceph.conf</c>, of which <c>client.admin</c> is.</param>
internal sealed class CephConnection(string configuration) : IDisposable
{
    private const string User = "client.admin";
    private const int MostLeft = 2;
    /// <summary>What librados is told: to connect, and to answer, takes no longer each.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(8);
    /// <summary>For one's turn, and for the call itself since it last told that it goes on.</summary>
    private static readonly TimeSpan LongestQueue = TimeSpan.FromSeconds(20), LongestCall = TimeSpan.FromSeconds(20);

    private readonly Lock lineLock = new();
    private volatile Line line = new();
    private int left;

    /// <param name="what">For errors.</param>
    /// <param name="call">On a thread of its own; a long one tells now and then that it goes on.</param>
    /// <exception cref="IOException">Nobody answers in time, or it is refused: then a <see cref="RadosException"/> is within.</exception>
    public async Task<T> CallAsync<T>(string what, Func<RadosConnection, Action, T> call, CancellationToken cancellationToken)
    {
        var own = line;
        if (!await own.Turn.WaitAsync(LongestQueue, cancellationToken).ConfigureAwait(false))
            throw new IOException($"{what}: others were asked for {LongestQueue.TotalSeconds:0} s before it");
        own.GoOn();
        var called = Task.Factory.StartNew(() => Call(own, call), CancellationToken.None, TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        try
        {
            while (true)
            {
                var rest = LongestCall - own.Silence;
                try { return await called.WaitAsync(rest > TimeSpan.Zero ? rest : default, cancellationToken).ConfigureAwait(false); }
                catch (TimeoutException) when (own.Silence < LongestCall) { }
            }
        }
        catch (TimeoutException)
        {
            Leave(own);
            throw new IOException($"{what}: no answer within {LongestCall.TotalSeconds:0} s");
        }
        catch (RadosException e) { throw new IOException($"{what}: {e.Message}", e); }
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

    private T Call<T>(Line own, Func<RadosConnection, Action, T> call)
    {
        try
        {
            own.Connection ??= RadosConnection.Open(User, configuration, Patience);
            return call(own.Connection, own.GoOn);
        }
        // A monitor that was away may be another by now, with another key.
        catch (RadosException e) when (e.IsTimeout || e.IsShutOut)
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
        private long sign;

        public SemaphoreSlim Turn { get; } = new(1);

        public RadosConnection? Connection { get; set; }

        /// <summary>Whether it is closed after the call that is under way.</summary>
        public volatile bool IsLeft;

        /// <summary>Whether it is one of those that were given up.</summary>
        public volatile bool IsCounted;

        /// <summary>How long ago the call began, or told that it goes on.</summary>
        public TimeSpan Silence => TimeProvider.System.GetElapsedTime(Interlocked.Read(ref sign));

        public void GoOn() => Interlocked.Exchange(ref sign, TimeProvider.System.GetTimestamp());

        public void Close()
        {
            Connection?.Dispose();
            Connection = null;
        }
    }
}
