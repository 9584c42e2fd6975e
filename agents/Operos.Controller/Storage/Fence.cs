namespace Operos.Controller.Storage;

/// <summary>
/// A machine that is given up in one of its boots: its clients are shut out of Ceph, and its volumes go to others. Only another boot of it
/// ends that.
/// </summary>
internal sealed record Fence
{
    /// <summary>UUID.</summary>
    public required string Machine { get; init; }
    public required string BootId { get; init; }
    public required DateTimeOffset Since { get; init; }
    /// <summary>Of its clients: as it told them when it mapped, and whoever else has its images open.</summary>
    public required IReadOnlyList<string> Addresses { get; init; }
    /// <summary>What it had.</summary>
    public required IReadOnlyList<string> Volumes { get; init; }
    /// <summary>Theirs.</summary>
    public required IReadOnlyList<string> Images { get; init; }
    /// <summary>The map of the OSDs from which on it is shut out; 0 before the monitor was told.</summary>
    public long Epoch { get; init; }
    /// <summary>Every OSD that was up had that map: from then on its volumes may be others'.</summary>
    public bool InForce { get; init; }

    public bool IsWhole() =>
        this is { Machine: not null, BootId: not null, Addresses: not null, Volumes: not null, Images: not null };
}
