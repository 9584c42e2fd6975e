namespace Operos.Node.Cni;

/// <summary>Admits every pod: for a cluster whose network policies are an add-on's, or nobody's.</summary>
public sealed class OpenPodGate : IPodGate
{
    public Task AdmitAsync(AttachedPod pod, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task ReleaseAsync(AttachedPod pod, CancellationToken cancellationToken) => Task.CompletedTask;
}
