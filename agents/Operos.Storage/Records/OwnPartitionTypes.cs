namespace Operos.Storage.Records;

/// <summary>The types of partitions that we make.</summary>
internal static class OwnPartitionTypes
{
    public static readonly Guid Cache = new("7d1c2f0a-5b0e-4c39-9a43-0e6f4b9e51c1");
    public static readonly Guid Ephemeral = new("b2f6a8d4-3f61-4f0c-8f2b-6c1d7a90e3b2");
    public static readonly Guid Volumes = new("e93b7c58-1a7d-4d52-b6a5-2f80c5d47e93");

    /// <summary>Ceph's own, so that its tools know the partition.</summary>
    public static readonly Guid Osd = new("4fbd7e29-9d25-41b8-afd0-062c0ceff05d");

    public static bool Contains(Guid type) => type == Cache || type == Ephemeral || type == Volumes || type == Osd;
}
