namespace Operos.Storage.Classes;

/// <summary>Whose disks are ours, and which disks are of use.</summary>
public sealed record DiskPolicy
{
    /// <summary>SHA-256 of the certificate of the cluster's authority, in hex, lower case.</summary>
    public required string Cluster { get; init; }
    public required Guid Machine { get; init; }
    /// <summary>A smaller disk is of no use.</summary>
    public long SmallestBytes { get; init; } = 2L << 30;
    /// <summary>Whether files count as disks: images, and loop devices in machines that have no others.</summary>
    public bool TakesFiles { get; init; }
}
