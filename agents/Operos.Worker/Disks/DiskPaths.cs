using Operos.Linux;

namespace Operos.Worker.Disks;

/// <summary>A folder of a node that is made anew at each boot.</summary>
/// <param name="Name">Of its place in the ephemeral file system.</param>
/// <param name="Mode">As the programs that write there expect it.</param>
internal sealed record NodeFolder(string Path, string Name, UnixFileMode Mode);

/// <summary>Where a machine's disks are mounted.</summary>
internal sealed record DiskPaths
{
    /// <summary>The file system that is made anew at each boot.</summary>
    public string Ephemeral { get; init; } = "/var/lib/operos/ephemeral";

    /// <summary>A folder for each disk that has volumes, by the disk's id.</summary>
    public string Volumes { get; init; } = "/var/lib/operos/volumes";

    /// <summary>What lies in the ephemeral file system. The first tells where all of them are.</summary>
    public IReadOnlyList<NodeFolder> Folders { get; init; } =
    [
        new("/var/lib/containerd", "containerd", FileModes.PassableFolder),
        new("/var/lib/kubelet", "kubelet", FileModes.GroupFolder),
        new("/var/log/pods", "pod-logs", FileModes.ReadableFolder),
    ];
}
