using System.Text.Json.Serialization;

namespace Operos.Kubernetes.Objects;

/// <summary>A PersistentVolumeClaim (v1).</summary>
public sealed record PersistentVolumeClaimObject : IApiObject
{
    public ObjectMeta? Metadata { get; set; }
    public PersistentVolumeClaimSpec? Spec { get; set; }
    public PersistentVolumeClaimStatus? Status { get; set; }
}

public sealed record PersistentVolumeClaimSpec
{
    public string? StorageClassName { get; set; }
    /// <summary>Of the volume that it has; null or empty while it has none.</summary>
    public string? VolumeName { get; set; }
    /// <summary><c>Filesystem</c>, which is meant where it is missing, or <c>Block</c>.</summary>
    public string? VolumeMode { get; set; }
    public IReadOnlyList<string?>? AccessModes { get; set; }
    [JsonPropertyName("resources")] public ClaimResources? Asked { get; set; }
}

public sealed record ClaimResources
{
    /// <summary>Quantities by name, such as <c>storage</c>.</summary>
    public Dictionary<string, string?>? Requests { get; set; }
}

public sealed record PersistentVolumeClaimStatus
{
    /// <summary>What it has: quantities by name, such as <c>storage</c>.</summary>
    public Dictionary<string, string?>? Capacity { get; set; }
    /// <summary>Such as <c>FileSystemResizePending</c>.</summary>
    public IReadOnlyList<ObjectCondition?>? Conditions { get; set; }
}
