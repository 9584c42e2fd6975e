using System.Net;

namespace Operos.Node.Network;

/// <summary>Where packets for some pods go: to the node that runs them, or nowhere.</summary>
/// <param name="Via">The node's address; null refuses the packets (an <c>unreachable</c> route).</param>
public readonly record struct PodRoute(IPNetwork Pods, IPAddress? Via)
{
    public override string ToString() => Via is null ? $"unreachable {Pods}" : $"{Pods} via {Via}";
}
