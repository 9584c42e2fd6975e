namespace Operos.Storage.Signatures;

/// <summary>What sort of thing a signature is of.</summary>
public enum SignatureKind
{
    PartitionTable,
    FileSystem,
    Swap,
    Encryption,
    VolumeManager,
    Raid,
    ObjectStore,
}
