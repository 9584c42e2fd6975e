using Operos.Kubernetes;

namespace Operos.ControlPlane.Components;

/// <summary>A program of the control plane: how it runs, and how it is asked whether it works.</summary>
public sealed record Component
{
    public const string Etcd = "etcd", ApiServer = "kube-apiserver", ControllerManager = "kube-controller-manager",
        Scheduler = "kube-scheduler";

    public required string Name { get; init; }
    public required IReadOnlyList<string> Arguments { get; init; }
    /// <summary>The component without which this one cannot work.</summary>
    public string? Requires { get; init; }
    public required ApiAccess Probe { get; init; }
    public required string ProbePath { get; init; }
    /// <summary>
    /// Certificates that it reads at its start alone: when one is renewed, it is restarted. It reads all others again by itself.
    /// </summary>
    public required IReadOnlyList<string> ReadOnce { get; init; }
}
