using System.Net;
using System.Net.Sockets;

namespace Operos.Net.Tests;

/// <summary>
/// A DHCP server that misbehaves: the first time it sends only what is bad, from then on what is bad and then what is good. What a
/// client asks for is kept.
/// </summary>
internal sealed class HostileDhcpServer : IDisposable
{
    public const string Good = "10.77.0.150";
    private static readonly IPEndPoint Client = new(IPAddress.Broadcast, 68);

    private readonly Socket socket;
    private readonly DhcpClientTests.Case scenario;
    private readonly Thread thread;
    private readonly List<string> requested = [];
    private volatile bool ended;
    private Exception? problem;
    private int discovers, requests;

    public HostileDhcpServer(ClientHost host, DhcpClientTests.Case scenario)
    {
        this.scenario = scenario;
        socket = host.OpenDhcp(67);
        socket.SendBufferSize = 1 << 20;
        thread = new Thread(Serve);
        thread.Start();
    }

    /// <summary>Each address that the client asked for.</summary>
    public IReadOnlyList<string> Requested => requested;

    /// <summary>How often the client began.</summary>
    public int Discovers => discovers;

    public void Dispose()
    {
        ended = true;
        thread.Join();
        socket.Dispose();
        if (problem is not null) throw new InvalidOperationException($"{scenario}: the server failed", problem);
    }

    private void Serve()
    {
        var buffer = new byte[1500];
        try
        {
            while (!ended)
            {
                if (!socket.Poll(TimeSpan.FromMilliseconds(50), SelectMode.SelectRead)) continue;
                var packet = buffer[..socket.Receive(buffer)];
                foreach (var answer in Answers(packet)) socket.SendTo(answer, Client);
            }
        }
        catch (Exception e) { problem = e; }
    }

    private IEnumerable<byte[]> Answers(byte[] packet)
    {
        switch (DhcpReply.Find(packet, 53))
        {
            case [1]:
                var onlyBad = ++discovers == 1 && scenario.Offers is not null;
                return [.. scenario.Offers?.Invoke(packet) ?? [], .. onlyBad
                    ? (byte[][])[] : [DhcpReply.Write(packet, DhcpReply.Offer, Good, DhcpReply.Server, DhcpReply.Mask, DhcpReply.Lease)]];
            case [3]:
                requested.Add(DhcpReply.Find(packet, 50) is { Length: 4 } address ? new IPAddress(address).ToString() : "none");
                var first = ++requests == 1 && scenario.Answers is not null;
                // A refusal by the server itself ends the exchange: it is not repeated.
                var bad = first || !scenario.Once ? scenario.Answers?.Invoke(packet) ?? [] : [];
                return [.. bad, .. first ? (byte[][])[] : [DhcpReply.Write(
                    packet, DhcpReply.Ack, Good, DhcpReply.Server, DhcpReply.Mask, DhcpReply.Lease)]];
            default:
                return [];
        }
    }
}
