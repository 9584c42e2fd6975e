namespace Operos.Kubernetes.Objects;

/// <summary>A PersistentVolume (v1).</summary>
public sealed record PersistentVolumeObject : IApiObject
{
    public ObjectMeta? Metadata { get; set; }
    public PersistentVolumeSpec? Spec { get; set; }
    public PersistentVolumeStatus? Status { get; set; }
}

public sealed record PersistentVolumeSpec
{
    /// <summary>What becomes of it when its claim is gone: <c>Delete</c>, <c>Retain</c>.</summary>
    public string? PersistentVolumeReclaimPolicy { get; set; }
    /// <summary>Of a folder of one machine; null for any other sort of volume.</summary>
    public LocalVolumeSource? Local { get; set; }
    /// <summary>Of a driver of CSI; null for any other sort of volume.</summary>
    public DriverVolumeSource? Csi { get; set; }
    /// <summary>Quantities by name, such as <c>storage</c>.</summary>
    public Dictionary<string, string?>? Capacity { get; set; }
    /// <summary><c>Filesystem</c>, which is meant where it is missing, or <c>Block</c>.</summary>
    public string? VolumeMode { get; set; }
    /// <summary>The claim that it is for.</summary>
    public ClaimReference? ClaimRef { get; set; }
}

public sealed record ClaimReference
{
    public string? Namespace { get; set; }
    public string? Name { get; set; }
    public string? Uid { get; set; }
}

public sealed record LocalVolumeSource
{
    public string? Path { get; set; }
}

public sealed record DriverVolumeSource
{
    /// <summary>The driver's name.</summary>
    public string? Driver { get; set; }
    /// <summary>The volume as its driver calls it.</summary>
    public string? VolumeHandle { get; set; }
}

public sealed record PersistentVolumeStatus
{
    /// <summary>Such as <c>Bound</c>, and <c>Released</c> when its claim is gone.</summary>
    public string? Phase { get; set; }
}
