using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Operos.Storage.Classes;

/// <summary>Whose disks are ours, and which disks are of use.</summary>
public sealed record DiskPolicy
{
    /// <summary>The cluster's id on disks: SHA-256 of the certificate of its authority, in hex, lower case.</summary>
    public required string Cluster { get; init; }
    public required Guid Machine { get; init; }
    /// <summary>A smaller disk is of no use.</summary>
    public long SmallestBytes { get; init; } = 2L << 30;
    /// <summary>Whether files count as disks: images, and loop devices in machines that have no others.</summary>
    public bool TakesFiles { get; init; }

    /// <summary>The id of the cluster of an authority.</summary>
    public static string ClusterOf(X509Certificate2 authority) => Convert.ToHexStringLower(SHA256.HashData(authority.RawData));
}
