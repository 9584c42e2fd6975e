namespace Operos.Node.Memory;

/// <summary>A file system in RAM and how much it may hold.</summary>
/// <param name="Path">Where it is mounted.</param>
/// <param name="What">In words.</param>
/// <param name="Bytes">At most.</param>
/// <param name="OfPods">
/// Whether pods alone fill it: the kernel counts what they write as their own memory, which has its bound already.
/// </param>
public sealed record RamFolder(string Path, string What, long Bytes, bool OfPods = false);

/// <summary>
/// What the RAM of a machine without a disk is for. Layers, services, files in RAM and pods add up to what there is: a full folder stops
/// whoever fills it, and takes nothing from anybody else.
/// </summary>
public sealed record MemoryPlan
{
    /// <summary>Agents, containerd, kubelet, kube-proxy and systemd, in bytes; measured about 150 MB.</summary>
    public const long Services = 192L << 20;

    /// <summary>What the kubelet keeps free: with less, it evicts pods (evictionHard, memory.available).</summary>
    public const long Free = 100L << 20;

    private const long Mebibyte = 1L << 20, Gibibyte = 1L << 30;

    /// <summary>Of the memory that layers and services leave: thousandths of it, and bounds.</summary>
    private static readonly (string Path, string What, int Share, long Least, long Most, bool OfPods)[] Table =
    [
        ("/run/operos/overlay", "files written to the root", 60, 48 * Mebibyte, Gibibyte, false),
        // The journal is here, which has 32 MiB at most.
        ("/run", "run-time files", 40, 48 * Mebibyte, Gibibyte / 2, false),
        ("/tmp", "temporary files", 40, 16 * Mebibyte, Gibibyte / 2, false),
        ("/dev/shm", "shared memory of the host", 30, 16 * Mebibyte, Gibibyte / 2, false),
        (Containers, "images and containers' files", 330, 64 * Mebibyte, 8 * Gibibyte, false),
        (Volumes, "volumes of pods", 250, 32 * Mebibyte, long.MaxValue, true),
    ];

    private const string Containers = "/var/lib/containerd", Volumes = "/var/lib/kubelet";

    /// <summary>All that the kernel has to give, in bytes.</summary>
    public required long Total { get; init; }
    public required IReadOnlyList<RamFolder> Folders { get; init; }

    /// <summary>What the kubelet is told not to give to pods.</summary>
    public required long Reserved { get; init; }

    /// <summary>Whether images and what pods write are among what lies in RAM.</summary>
    public bool HasFiles => Folders.Any(folder => folder.Path is Containers or Volumes);

    /// <summary>The same machine with these on a disk: their share of the memory is for pods.</summary>
    public MemoryPlan WithDisk() => this with
    {
        Folders = [.. Folders.Where(folder => folder.Path is not (Containers or Volumes))],
        Reserved = Reserved - Folders.Where(folder => folder.Path == Containers).Sum(folder => folder.Bytes),
    };

    /// <summary>
    /// The same machine with daemons that take so much in all, in bytes. A fourth of its memory is not reserved all the same.
    /// </summary>
    public MemoryPlan WithDaemons(long bytes)
    {
        var others = Reserved - Daemons;
        var daemons = Math.Clamp(bytes, 0, Math.Max(0, Total / 4 * 3 - others));
        return this with { Daemons = daemons, Reserved = others + daemons };
    }

    /// <summary>Of what is reserved, what daemons have that not every machine runs.</summary>
    public long Daemons { get; private init; }

    /// <summary>What pods may have at most.</summary>
    public long Pods => Total - Reserved - Free;

    /// <param name="total">The machine's memory, in bytes.</param>
    /// <param name="layers">The layers' images, which lie in RAM.</param>
    public static MemoryPlan Make(long total, long layers)
    {
        var left = total - layers - Services - Free;
        // A machine that hardly holds its layers has something for each all the same; then they do not add up, and the kernel decides.
        var scarce = left < total / 4;
        if (scarce) left = total / 4;
        List<RamFolder> folders = [.. Table.Select(row => new RamFolder(row.Path, row.What,
            Round(Math.Min(Math.Max(left / 1000 * row.Share, Math.Min(row.Least, left / 8)), row.Most)), row.OfPods))];
        var reserved = layers + Services + folders.Where(folder => !folder.OfPods).Sum(folder => folder.Bytes);
        return new MemoryPlan { Total = total, Folders = folders, Reserved = scarce ? Math.Min(reserved, total / 4 * 3) : reserved };
    }

    private static long Round(long bytes) => Math.Max(bytes / Mebibyte, 1) * Mebibyte;
}
