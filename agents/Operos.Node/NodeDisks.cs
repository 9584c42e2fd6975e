namespace Operos.Node;

/// <summary>Where what a node writes goes, by how the machine's disks stand.</summary>
/// <param name="OnDisk">Whether containerd's and the kubelet's folders are on a disk; in RAM where they are not.</param>
/// <param name="IsWell">Whether nothing of the disks failed. Where something did, the node runs with what is left.</param>
/// <param name="Text">How it stands, in words; what failed, and the next step.</param>
public sealed record NodeDisks(bool OnDisk, bool IsWell, string Text)
{
    /// <summary>What daemons that serve these disks take of the machine's memory, in bytes: it is not for pods.</summary>
    public long Memory { get; init; }
}
