using System.Net;
using Operos.Controller.Connections;
using Operos.Controller.Machines;

namespace Operos.Controller.Control;

/// <summary>
/// The connections that have shown no certificate that counts, bounded from each address and in all. A newcomer is never turned away for
/// want of room. It is made by the network that has used most of us lately, in it by the address that has, and there by who has kept us
/// waiting longest. What counts is the time that we waited and each connection, so whoever stalls and whoever is busy push out each other,
/// however many they are, and not who connects now and then. Addresses from which a certificate that counts was shown before are the last
/// to make room for others.
/// </summary>
internal sealed class UnauthenticatedConnections(TimeProvider time, int most = 512, int mostFromOneAddress = 64)
{
    private const int MostProven = 4096;

    /// <summary>So much as a second of stalling: its handshake, and mostly a request, are done for it.</summary>
    private const double CostOfConnection = 1;
    private readonly Lock connectionsLock = new();
    private readonly List<UnauthenticatedConnection> all = [];
    private readonly Dictionary<IPAddress, long> proven = [];
    private readonly RecentUse<IPAddress> addresses = new(time);
    private readonly RecentUse<IPNetwork> networks = new(time);

    public int Count
    {
        get { lock (connectionsLock) return all.Count; }
    }

    /// <param name="close">Ends the connection, where it has to make room.</param>
    public UnauthenticatedConnection Enter(IPAddress from, Action close)
    {
        var newcomer = new UnauthenticatedConnection(this, from, close, time);
        UnauthenticatedConnection? leaves = null;
        lock (connectionsLock)
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
    public void Prove(UnauthenticatedConnection connection)
    {
        lock (connectionsLock)
        {
            Remove(connection);
            proven[connection.From] = time.GetTimestamp();
            if (proven.Count <= MostProven) return;
            foreach (var old in proven.OrderBy(pair => pair.Value).Take(MostProven / 8).ToList()) proven.Remove(old.Key);
        }
    }

    public void Leave(UnauthenticatedConnection connection)
    {
        lock (connectionsLock) Remove(connection);
    }

    private void Remove(UnauthenticatedConnection connection)
    {
        if (all.Remove(connection)) Charge(connection.From, Seconds(connection));
    }

    private void Charge(IPAddress address, double seconds)
    {
        addresses.Add(address, seconds);
        networks.Add(SourceNetwork.Of(address), seconds);
    }

    private UnauthenticatedConnection? Costliest(IEnumerable<UnauthenticatedConnection> among)
    {
        var network = among.GroupBy(connection => SourceNetwork.Of(connection.From))
            .MaxBy(group => networks.Of(group.Key) + group.Sum(Seconds));
        var address = network?.GroupBy(connection => connection.From).MaxBy(group => addresses.Of(group.Key) + group.Sum(Seconds));
        return address is null ? null : Slowest(address);
    }

    private double Seconds(UnauthenticatedConnection connection) => (double)connection.Waited / time.TimestampFrequency;

    private static UnauthenticatedConnection? Slowest(IEnumerable<UnauthenticatedConnection> among) =>
        among.MaxBy(connection => connection.Waited);
}
