using System.Net;

namespace Operos.Names;

/// <summary>What the name server serves, to whom, and where its files go; checked by whoever read it.</summary>
public sealed record NameServerSettings
{
    /// <summary>Where it listens, port 53.</summary>
    public required IPAddress Address { get; init; }
    /// <summary>The machines' network: they may ask, and their addresses have names.</summary>
    public required IPNetwork Machines { get; init; }
    /// <summary>The pods' network: they may ask, and their addresses have names.</summary>
    public required IPNetwork Pods { get; init; }
    /// <summary>The services' network: its addresses have names.</summary>
    public required IPNetwork Services { get; init; }
    /// <summary>The address of the service that leads here (<c>kube-dns</c>), where there is one.</summary>
    public IPAddress? ServiceAddress { get; init; }
    public required string ClusterDomain { get; init; }
    public required string MachinesDomain { get; init; }
    /// <summary>
    /// Who is asked for all other names; where empty those that machines are told, else those that this machine itself asks.
    /// </summary>
    public IReadOnlyList<IPAddress> Upstream { get; init; } = [];
    /// <summary>The name servers that machines are told.</summary>
    public IReadOnlyList<IPAddress> MachinesServers { get; init; } = [];
    /// <summary>The daemons' configurations and run-time files: made anew at each start.</summary>
    public required string Folder { get; init; }
    /// <summary>What outlives a boot: the names that were told last.</summary>
    public required string State { get; init; }
    public string KnotProgram { get; init; } = "/usr/sbin/knotd";
    public string UnboundProgram { get; init; } = "/usr/sbin/unbound";
}
