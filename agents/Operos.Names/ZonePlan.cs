using System.Net;

namespace Operos.Names;

/// <summary>Which zones we answer for: the cluster's, the machines', and the reverse zones of their networks.</summary>
public sealed class ZonePlan
{
    public ZonePlan(string clusterDomain, string machinesDomain, IPAddress server, IEnumerable<IPNetwork> networks)
    {
        (ClusterDomain, MachinesDomain, Server, Networks) = (clusterDomain, machinesDomain, server, [.. networks]);
        Zones = [clusterDomain, machinesDomain, .. Networks.SelectMany(DnsName.ReverseZones).Distinct(StringComparer.Ordinal)];
    }

    public string ClusterDomain { get; }
    public string MachinesDomain { get; }
    /// <summary>Where the name server itself is reached.</summary>
    public IPAddress Server { get; }
    /// <summary>Of these networks we answer what an address is called; of others somebody else does.</summary>
    public IReadOnlyList<IPNetwork> Networks { get; }
    public IReadOnlyList<string> Zones { get; }

    /// <summary>The name server's own name, in SOA and NS records.</summary>
    public string ServerName => "ns.dns." + ClusterDomain;

    /// <summary>The zone that a name is in: of several the longest; null when it is not ours.</summary>
    public string? ZoneOf(string name)
    {
        string? found = null;
        foreach (var zone in Zones)
            if ((found is null || zone.Length > found.Length) && IsWithin(name, zone)) found = zone;
        return found;
    }

    public static bool IsWithin(string name, string zone) =>
        name.EndsWith(zone, StringComparison.Ordinal) && (name.Length == zone.Length || name[^(zone.Length + 1)] == '.');
}
