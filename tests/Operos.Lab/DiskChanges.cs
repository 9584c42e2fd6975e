namespace Operos.Lab;

/// <summary>What differs from a machine's <see cref="VirtualMachineOptions.Disks"/> by now.</summary>
/// <param name="Withdrawn">Those that are no longer in it.</param>
/// <param name="Plugged">What is in its slot; null for nothing.</param>
internal sealed record DiskChanges(IReadOnlyCollection<VirtualDisk> Withdrawn, VirtualDisk? Plugged)
{
    public static DiskChanges None { get; } = new([], null);
}
