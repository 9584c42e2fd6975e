namespace Operos.Csi.Volumes;

/// <summary>How pods use a volume.</summary>
/// <param name="IsBlock">As a device; else as a file system.</param>
/// <param name="IsReadOnly">Nothing is written to it by anybody here.</param>
/// <param name="Options">Of the mount, as the volume's <c>mountOptions</c> has them.</param>
public sealed record VolumeUse(bool IsBlock, bool IsReadOnly, IReadOnlyList<string> Options);
