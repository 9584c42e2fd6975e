using System.Net;
using Operos.Controller.Machines;

namespace Operos.Controller.Control;

/// <summary>
/// The connections that have shown no certificate that counts, bounded from each address and in all. A newcomer is never turned away for
/// want of room. It is made by the network that has used most of us lately, in it by the address that has, and there by who has kept us
/// waiting longest. What counts is the time that we waited and each connection, so whoever stalls and whoever is busy push out each other,
/// however many they are, and not who connects now and then. Addresses from which a certificate that counts was shown before are the last
/// to make room for others.
/// </summary>
internal sealed class Strangers(TimeProvider time, int most = 512, int mostFromOneAddress = 64)
{
    private const int MostProven = 4096;

    /// <summary>So much as a second of stalling: its handshake, and mostly a request, are done for it.</summary>
    private const double CostOfConnection = 1;
    private readonly Lock gate = new();
    private readonly List<Stranger> all = [];
    private readonly Dictionary<IPAddress, long> proven = [];
    private readonly RecentUse<IPAddress> addresses = new(time);
    private readonly RecentUse<IPNetwork> networks = new(time);

    public int Count
    {
        get { lock (gate) return all.Count; }
    }

    /// <param name="close">Ends the connection, where it has to make room.</param>
    public Stranger Enter(IPAddress from, Action close)
    {
        var newcomer = new Stranger(this, from, close, time);
        Stranger? leaves = null;
        lock (gate)
        {
            if (all.Count(other => other.From.Equals(from)) >= mostFromOneAddress)
                leaves = Slowest(all.Where(other => other.From.Equals(from)));
            else if (all.Count >= most) leaves = Costliest(all.Where(other => !proven.ContainsKey(other.From))) ?? Costliest(all);
            if (leaves is not null) Remove(leaves);
            all.Add(newcomer);
            Charge(from, CostOfConnection);
        }
        leaves?.Close();
        return newcomer;
    }

    /// <summary>It has shown a certificate that counts.</summary>
    public void Prove(Stranger stranger)
    {
        lock (gate)
        {
            Remove(stranger);
            proven[stranger.From] = time.GetTimestamp();
            if (proven.Count <= MostProven) return;
            foreach (var old in proven.OrderBy(pair => pair.Value).Take(MostProven / 8).ToList()) proven.Remove(old.Key);
        }
    }

    public void Leave(Stranger stranger)
    {
        lock (gate) Remove(stranger);
    }

    private void Remove(Stranger stranger)
    {
        if (all.Remove(stranger)) Charge(stranger.From, Seconds(stranger));
    }

    private void Charge(IPAddress address, double seconds)
    {
        addresses.Add(address, seconds);
        networks.Add(SourceNetwork.Of(address), seconds);
    }

    private Stranger? Costliest(IEnumerable<Stranger> among)
    {
        var network = among.GroupBy(stranger => SourceNetwork.Of(stranger.From))
            .MaxBy(group => networks.Of(group.Key) + group.Sum(Seconds));
        var address = network?.GroupBy(stranger => stranger.From).MaxBy(group => addresses.Of(group.Key) + group.Sum(Seconds));
        return address is null ? null : Slowest(address);
    }

    private double Seconds(Stranger stranger) => (double)stranger.Waited / time.TimestampFrequency;

    private static Stranger? Slowest(IEnumerable<Stranger> among) => among.MaxBy(stranger => stranger.Waited);
}

/// <summary>One connection that has shown no certificate that counts, and how long we have waited for its bytes.</summary>
internal sealed class Stranger(Strangers strangers, IPAddress from, Action close, TimeProvider time) : IDisposable
{
    private readonly Lock gate = new();
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
            lock (gate)
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
        lock (gate)
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

    public void Dispose() => strangers.Leave(this);
}
