using Operos.ControlPlane.Configuration;

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
    public string DnsmasqProgram { get; init; } = "/usr/sbin/dnsmasq";
    public string KnotProgram { get; init; } = "/usr/sbin/knotd";
    public string UnboundProgram { get; init; } = "/usr/sbin/unbound";

    public ControlPlanePaths ControlPlane => new()
    {
        Pki = Path.Combine(Pki, "kubernetes"), Run = Path.Combine(Run, "kubernetes"),
        Etcd = Path.Combine(State, "etcd"), Audit = Path.Combine(State, "audit"), AddOns = Path.Combine(State, "add-ons"),
    };

    public string Pki => Path.Combine(State, "pki");
    public string Operators => Path.Combine(State, "operators");
    public string Machines => Path.Combine(State, "machines");
    /// <summary>The audit log of what operators asked for.</summary>
    public string Operations => Path.Combine(State, "operations");
    public string Jobs => Path.Combine(State, "jobs");
    public string Anchor => Path.Combine(State, "anchor.cpio");
    /// <summary>The public keys that releases are trusted by, one or more, PEM.</summary>
    public string ReleaseKeys => Path.Combine(State, "release.pub");
    public string Leases => Path.Combine(State, "dnsmasq.leases");
    public string Tftp => Path.Combine(Run, "tftp");
}
