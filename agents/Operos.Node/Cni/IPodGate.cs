namespace Operos.Node.Cni;

/// <summary>Decides when a pod may talk: whoever enforces policies stands behind it.</summary>
public interface IPodGate
{
    /// <summary>Puts the policy for a pod's addresses in force; the pod starts when this returns.</summary>
    /// <exception cref="NodeException">It cannot be put in force; the runtime tries again later.</exception>
    Task AdmitAsync(AttachedPod pod, CancellationToken cancellationToken);

    /// <summary>The pod is gone, its addresses free for another. Never fails for one that is not known.</summary>
    Task ReleaseAsync(AttachedPod pod, CancellationToken cancellationToken);
}
