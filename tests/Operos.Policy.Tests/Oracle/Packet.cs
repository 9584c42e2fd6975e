namespace Operos.Policy.Tests.Oracle;

/// <summary>The first packet of a connection, as the node forwards it.</summary>
internal sealed record Packet(string Source, string Destination, string Protocol, int Port)
{
    public bool IsV6 => Source.Contains(':', StringComparison.Ordinal);
}
