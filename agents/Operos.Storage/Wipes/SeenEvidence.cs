using Operos.Storage.Classes;

namespace Operos.Storage.Wipes;

/// <summary>
/// What was seen on a disk when somebody decided to wipe it, as one number: what differs when the order comes is not wiped.
/// </summary>
public static class SeenEvidence
{
    /// <summary>
    /// SHA-256 in hex, lower case, over names, size, class, all signatures with their places, the record's ids and work, and the bytes of
    /// the first and the last MiB.
    /// </summary>
    public static string Of(DiskVerdict verdict) => DiskTrace.Of(verdict);
}
