using Operos.Storage.Records;
using Operos.Storage.Signatures;

namespace Operos.Storage.Looks;

/// <summary>All that is known of a disk: what the kernel tells, and what stands on it.</summary>
public sealed record DiskEvidence
{
    public required DiskFacts Facts { get; init; }
    /// <summary>The size as it was read; 0 where the disk could not be opened.</summary>
    public long Bytes { get; init; }
    public IReadOnlyList<Signature> Signatures { get; init; } = [];
    /// <summary>Tables whose checksums hold.</summary>
    public IReadOnlyList<GuidPartitionTable> Tables { get; init; } = [];
    public DiskRecords Records { get; init; } = DiskRecords.None;
    /// <summary>Null where it was not asked: something known is there.</summary>
    public DiskContent? Content { get; init; }
    /// <summary>Blocks of a disk that is being set up which hold parts of its own table alone, whole or not.</summary>
    internal IReadOnlyList<Extent> Remains { get; init; } = [];
    /// <summary>
    /// SHA-256 over the blocks of the first and the last MiB that are not zeros, each after its place, in hex, lower case; null where they
    /// could not be read.
    /// </summary>
    public string? Ends { get; init; }
    /// <summary>What could not be read, in words.</summary>
    public IReadOnlyList<string> Failures { get; init; } = [];
    /// <summary>Why not all was read, in words; null where it was.</summary>
    public string? GivenUp { get; init; }
    /// <summary>How many bytes were read.</summary>
    public long BytesRead { get; init; }
}
