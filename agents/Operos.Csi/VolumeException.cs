namespace Operos.Csi;

/// <summary>What the kubelet is to make of a refusal: it comes again with all of them, sooner or later.</summary>
public enum VolumeProblem
{
    /// <summary>What it asks for is not to be had.</summary>
    Request,

    /// <summary>Something else must be done before, here or elsewhere.</summary>
    NotNow,

    /// <summary>There is no such volume here.</summary>
    Unknown,

    /// <summary>Something is still under way for the same volume.</summary>
    Busy,

    /// <summary>The controller, or Ceph, does not answer.</summary>
    Silence,

    /// <summary>It failed.</summary>
    Failure,
}

/// <summary>Why a volume is not used as the kubelet wants it; the message is read by operators, in a pod's events.</summary>
public sealed class VolumeException(VolumeProblem problem, string message, Exception? inner = null) : IOException(message, inner)
{
    public VolumeProblem Problem { get; } = problem;
}
