namespace Operos.Ceph.Monitors;

/// <summary>
/// Where the monitor's and the manager's files are; tests give them other places and programs. A daemon owns its data and the folder of
/// sockets alone: where this agent writes as root, nobody else can put a link.
/// </summary>
/// <param name="Identity">The file of <see cref="CephIdentity"/>.</param>
/// <param name="State">The folder of what they keep.</param>
/// <param name="Run">The folder of what is written anew at each start.</param>
public sealed record MonitorPaths(string Identity, string State, string Run)
{
    public const string Name = "controller";

    /// <summary>Whose the store is, and who runs the daemons; null for this process's own user.</summary>
    public string? User { get; init; } = CephConfiguration.User;

    /// <summary>The folder of what the backup has of the cluster's maps; null for none.</summary>
    public string? Kept { get; init; }

    public string MonitorProgram { get; init; } = "/usr/bin/ceph-mon";
    public string ManagerProgram { get; init; } = "/usr/bin/ceph-mgr";
    public string MapProgram { get; init; } = "/usr/bin/monmaptool";
    public string StoreProgram { get; init; } = "/usr/bin/ceph-monstore-tool";
    public string OsdMapProgram { get; init; } = "/usr/bin/osdmaptool";

    /// <summary>The folder of the stores: one of each cluster, by its id.</summary>
    public string Stores => Path.Combine(State, "mon");
    public string Manager => Path.Combine(State, "mgr");
    public string Sockets => Path.Combine(Run, "sockets");
    public string Modules => Path.Combine(Run, "modules");
    public string MonitorKeyring => Path.Combine(Run, "mon.keyring");
    public string ManagerKeyring => Path.Combine(Run, "mgr.keyring");
    public string MonitorConfiguration => Path.Combine(Run, "mon.conf");
    public string ManagerConfiguration => Path.Combine(Run, "mgr.conf");
    /// <summary>The keys that a store is made with, and the configuration; neither is there longer than that takes.</summary>
    public string InitialKeyring => Path.Combine(Run, "initial.keyring");
    public string MakingConfiguration => Path.Combine(Run, "mkfs.conf");
    public string ClientConfiguration => Path.Combine(Run, "admin.conf");
    public string ClientKeyring => Path.Combine(Run, "admin.keyring");

    public string Store(Guid fsid) => Path.Combine(Stores, $"{fsid}");
}
