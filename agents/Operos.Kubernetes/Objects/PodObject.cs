using System.Text.Json.Serialization;

namespace Operos.Kubernetes.Objects;

/// <summary>A Pod (v1).</summary>
public sealed record PodObject : IApiObject
{
    public ObjectMeta? Metadata { get; set; }
    public PodSpec? Spec { get; set; }
    public PodStatus? Status { get; set; }
}

public sealed record PodSpec
{
    public string? NodeName { get; set; }
    public bool? HostNetwork { get; set; }
    public IReadOnlyList<PodContainer?>? Containers { get; set; }
    public IReadOnlyList<PodContainer?>? InitContainers { get; set; }
    public IReadOnlyList<PodVolume?>? Volumes { get; set; }
}

public sealed record PodVolume
{
    public string? Name { get; set; }
    public PodVolumeClaim? PersistentVolumeClaim { get; set; }
    public EphemeralVolume? Ephemeral { get; set; }

    /// <summary>The claim of its pod's namespace that it is of; null where it is of none.</summary>
    /// <param name="pod">The pod's name, of which Kubernetes makes the name of an ephemeral volume's claim (1.23).</param>
    public string? ClaimOf(string pod) => PersistentVolumeClaim?.ClaimName ?? (Ephemeral is null ? null : $"{pod}-{Name}");
}

/// <summary>A volume whose claim is made with its pod, and goes with it. Of what is in it nothing is read.</summary>
public sealed record EphemeralVolume;

public sealed record PodVolumeClaim
{
    /// <summary>In the pod's own namespace.</summary>
    public string? ClaimName { get; set; }
}

public sealed record PodContainer
{
    public string? RestartPolicy { get; set; }
    public IReadOnlyList<ContainerPort?>? Ports { get; set; }
}

public sealed record ContainerPort
{
    public string? Name { get; set; }
    public string? Protocol { get; set; }
    [JsonPropertyName("containerPort")] public int? Number { get; set; }
}

public sealed record PodStatus
{
    public string? Phase { get; set; }
    public string? Reason { get; set; }
    public string? Message { get; set; }
    public string? PodIP { get; set; }
    public IReadOnlyList<PodIp?>? PodIPs { get; set; }
    public IReadOnlyList<ObjectCondition?>? Conditions { get; set; }
    public IReadOnlyList<ContainerStatus?>? InitContainerStatuses { get; set; }
    public IReadOnlyList<ContainerStatus?>? ContainerStatuses { get; set; }
}

public sealed record PodIp
{
    public string? Ip { get; set; }
}

public sealed record ContainerStatus
{
    public ContainerState? State { get; set; }
    public ContainerState? LastState { get; set; }
}

public sealed record ContainerState
{
    public ContainerReason? Waiting { get; set; }
    public ContainerReason? Terminated { get; set; }
}

public sealed record ContainerReason
{
    public string? Reason { get; set; }
    public string? Message { get; set; }
}

/// <summary>One thing that holds of an object or does not.</summary>
public sealed record ObjectCondition
{
    public string? Type { get; set; }
    /// <summary>True, False or Unknown.</summary>
    public string? Status { get; set; }
    public string? Reason { get; set; }
    public string? Message { get; set; }
    public DateTime? LastTransitionTime { get; set; }
}
