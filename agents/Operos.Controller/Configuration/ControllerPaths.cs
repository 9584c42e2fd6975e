using Operos.Ceph.Monitors;
using Operos.ControlPlane.Configuration;
using Operos.Linux.Clock;

namespace Operos.Controller.Configuration;

/// <summary>Where the controller finds and keeps things; tests give it other places.</summary>
internal sealed record ControllerPaths
{
    public string Configuration { get; init; } = "/etc/operos/controller.toml";
    public string State { get; init; } = "/var/lib/operos";
    public string Run { get; init; } = "/run/operos";
    public string Releases { get; init; } = "/run/operos/images/releases";

    /// <summary>The root below which Debian's packages put the boot loaders.</summary>
    public string Loaders { get; init; } = "/";
    /// <summary>The root of the controller's own system.</summary>
    public string System { get; init; } = "/";
    public string DnsmasqProgram { get; init; } = "/usr/sbin/dnsmasq";
    public string KnotProgram { get; init; } = "/usr/sbin/knotd";
    public string UnboundProgram { get; init; } = "/usr/sbin/unbound";

    public string ChronydProgram { get; init; } = Chrony.Daemon;
    public string ChronycProgram { get; init; } = Chrony.Client;
    public string ChronySocket { get; init; } = Chrony.Socket;

    public ControlPlanePaths ControlPlane => new()
    {
        Pki = Path.Combine(Pki, "kubernetes"), Run = Path.Combine(Run, "kubernetes"),
        Etcd = Path.Combine(State, "etcd"), Audit = Path.Combine(State, "audit"), AddOns = Path.Combine(State, "add-ons"),
    };

    public MonitorPaths Ceph =>
        new(Path.Combine(Pki, "ceph.json"), Path.Combine(State, "ceph"), Path.Combine(Run, "ceph"))
        { Kept = Path.Combine(State, "storage", "ceph") };

    public string Pki => Path.Combine(State, "pki");
    public string Operators => Path.Combine(State, "operators");
    public string Machines => Path.Combine(State, "machines");
    /// <summary>The audit log of what operators asked for.</summary>
    public string Operations => Path.Combine(State, "operations");
    /// <summary>The names that the API server told last.</summary>
    public string Names => Path.Combine(State, "names");
    public string Backups => Path.Combine(State, "backups");
    public string Jobs => Path.Combine(State, "jobs");
    /// <summary>What happened to machines, and what they fetched last.</summary>
    public string History => Path.Combine(State, "history");
    /// <summary>What each machine said last of its disks.</summary>
    public string DiskReports => Path.Combine(State, "storage", "reports");
    /// <summary>Which disks are kept out.</summary>
    public string ExcludedDisks => Path.Combine(State, "storage", "excluded.json");
    /// <summary>What the keys of disks are made from.</summary>
    public string DiskSecret => Path.Combine(Pki, "disks.key");
    public string DiskSecretRecord => Path.Combine(State, "storage", "keys.json");
    /// <summary>Which OSDs machines were given the keys of.</summary>
    public string Osds => Path.Combine(State, "storage", "osds.json");
    /// <summary>Which machine has which volume of the pool; in no backup, for what was so then is not so after a restore.</summary>
    public string StagedVolumes => Path.Combine(State, "volumes.json");
    public string Anchor => Path.Combine(State, "anchor.cpio");
    /// <summary>The public keys that releases are trusted by, one or more, PEM.</summary>
    public string ReleaseKeys => Path.Combine(State, "release.pub");
    public string Leases => Path.Combine(State, "dnsmasq.leases");
    public string Tftp => Path.Combine(Run, "tftp");

    /// <summary>Asked by what changes the state of a controller that there is.</summary>
    /// <exception cref="IOException">There is none.</exception>
    public void RequireState()
    {
        if (!Directory.Exists(Pki))
            throw new IOException($"this machine is no controller: there is no {Pki}; --state says where a controller's state is");
    }
}
