using System.Net;

namespace Operos.Controller.Control;

/// <summary>One connection that has shown no certificate that counts, and how long we have waited for its bytes.</summary>
internal sealed class UnauthenticatedConnection(UnauthenticatedConnections all, IPAddress from, Action close, TimeProvider time)
    : IDisposable
{
    private readonly Lock waitedLock = new();
    // It begins with the connection: its first bytes are waited for too.
    private bool reading = true;
    private int handled;
    private long waited, since = time.GetTimestamp();

    public IPAddress From => from;

    /// <summary>In all, in the clock's ticks; not while a request of its own is handled, for then it waits for us.</summary>
    public long Waited
    {
        get
        {
            lock (waitedLock)
            {
                Count();
                return waited;
            }
        }
    }

    public void Wait() => Change(() => reading = true);

    /// <summary>Its bytes have come: now it waits for us.</summary>
    public void Arrived() => Change(() => reading = false);

    /// <summary>Handles a request of its own.</summary>
    public async ValueTask<T> HandleAsync<T>(Func<ValueTask<T>> handle)
    {
        Change(() => handled++);
        try { return await handle().ConfigureAwait(false); }
        finally { Change(() => handled--); }
    }

    private void Change(Action change)
    {
        lock (waitedLock)
        {
            Count();
            change();
        }
    }

    private void Count()
    {
        var now = time.GetTimestamp();
        if (reading && handled == 0) waited += now - since;
        since = now;
    }

    /// <summary>Whether it was cut off for the sake of others.</summary>
    public bool MadeRoom { get; private set; }

    public void Close()
    {
        MadeRoom = true;
        close();
    }

    public void Dispose() => all.Leave(this);
}
