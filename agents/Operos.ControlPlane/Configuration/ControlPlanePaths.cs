namespace Operos.ControlPlane.Configuration;

/// <summary>Where the control plane's files are.</summary>
public sealed record ControlPlanePaths
{
    /// <summary>Authorities and keys: what must survive a reboot.</summary>
    public required string Pki { get; init; }
    /// <summary>The components' certificates and configuration: made anew after a reboot.</summary>
    public required string Run { get; init; }
    public required string Etcd { get; init; }
    public required string Audit { get; init; }
    public required string AddOns { get; init; }
}
