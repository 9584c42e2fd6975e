using System.Globalization;
using Operos.Policy.Tests.Oracle;

namespace Operos.Policy.Tests.Packets;

/// <summary>One flow of the lab.</summary>
internal readonly record struct Flow(string From, string To, string Protocol, int Port, bool V6)
{
    /// <summary>What every case is asked besides its own: all pairs that node 1 stands between.</summary>
    public static readonly IReadOnlyList<Flow> Common =
    [
        .. from source in Names from destination in Names
           where source != destination && (IsLocal(source) || IsLocal(destination))
           from port in new[] { ("TCP", 80), ("TCP", 81), ("UDP", 53) }
           select new Flow(source, destination, port.Item1, port.Item2, false),
    ];

    private static string[] Names => ["a", "b", "c", "d", "e", "x"];

    public static (bool Allowed, Flow Flow) Parse(string text)
    {
        var words = text.Split(' ');
        var ends = words[1].Split('>');
        return (words[0] == "+", new Flow(ends[0], ends[1], words[2], int.Parse(words[3], CultureInfo.InvariantCulture), words.Length > 4));
    }

    public Packet ToPacket(PodLab lab) =>
        new(V6 ? lab.Hosts[From].V6 : lab.Hosts[From].V4, V6 ? lab.Hosts[To].V6 : lab.Hosts[To].V4, Protocol, Port);

    public Task<bool> TryAsync(PodLab lab, bool expected) => lab.Hosts[From].ReachesAsync(lab.Hosts[To], Protocol, Port, expected, V6);

    public override string ToString() => $"{From}>{To} {Protocol} {Port}{(V6 ? " 6" : "")}";

    private static bool IsLocal(string name) => name is "a" or "b" or "c";
}
