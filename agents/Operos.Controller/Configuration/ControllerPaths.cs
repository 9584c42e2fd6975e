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

    /// <summary>Authorities and keys of Kubernetes: what must survive a reboot.</summary>
    public string KubernetesPki => Path.Combine(Pki, "kubernetes");
    /// <summary>Certificates and configuration of the components: made anew after a reboot.</summary>
    public string KubernetesRun => Path.Combine(Run, "kubernetes");
    public string Etcd => Path.Combine(State, "etcd");
    public string Audit => Path.Combine(State, "audit");
    public string AddOns => Path.Combine(State, "add-ons");

    public string Pki => Path.Combine(State, "pki");
    public string Operators => Path.Combine(State, "operators");
    public string Machines => Path.Combine(State, "machines");
    public string Anchor => Path.Combine(State, "anchor.cpio");
    /// <summary>The public keys that releases are trusted by, one or more, PEM.</summary>
    public string ReleaseKeys => Path.Combine(State, "release.pub");
    public string Leases => Path.Combine(State, "dnsmasq.leases");
    public string Tftp => Path.Combine(Run, "tftp");
}
