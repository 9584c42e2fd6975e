namespace Operos.Storage.Records;

/// <summary>How far the work on a disk of ours has come. A record says it before the step after it begins.</summary>
public enum DiskWork : byte
{
    /// <summary>The disk was blank and is ours now; nothing else need stand on it.</summary>
    Claimed = 1,

    /// <summary>Its partition table is whole.</summary>
    Partitioned = 2,

    /// <summary>What is in the partitions is made.</summary>
    Formatted = 3,

    /// <summary>It is in use.</summary>
    Ready = 4,

    /// <summary>An order to wipe it is being carried out.</summary>
    Wiping = 5,
}
