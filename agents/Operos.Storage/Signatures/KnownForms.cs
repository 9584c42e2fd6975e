namespace Operos.Storage.Signatures;

/// <summary>All that is known to stand on disks.</summary>
internal static class KnownForms
{
    public static IReadOnlyList<SignatureForm> All { get; } = [.. PartitionTables.All, .. FileSystems.All, .. Members.All];
}
