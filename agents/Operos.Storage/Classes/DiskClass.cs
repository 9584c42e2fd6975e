namespace Operos.Storage.Classes;

/// <summary>What a disk is to this machine.</summary>
public enum DiskClass
{
    /// <summary>Nothing is known of it for certain; it is left alone.</summary>
    Doubtful,
    /// <summary>Every place where anything known would stand was read, and is erased.</summary>
    Blank,
    /// <summary>This cluster's, whole and ready.</summary>
    Ours,
    /// <summary>This cluster's; work on it was cut, and is to be completed.</summary>
    UnfinishedOurs,
    /// <summary>It holds what is not this cluster's.</summary>
    Foreign,
    /// <summary>It is no disk to keep anything on.</summary>
    Unsuitable,
    /// <summary>Something on this machine uses it.</summary>
    InUse,
}
