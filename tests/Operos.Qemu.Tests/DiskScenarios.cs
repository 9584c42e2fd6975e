using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>Blank disks of a machine are in use, and hold what they are for.</summary>
internal static class DiskScenarios
{
    private const string Ephemeral = "ephemeral", Volumes = "volumes", Osd = "osd", Place = "/var/lib/operos/";
    private const string LeftInEphemeral = $"{Place}{Ephemeral}/left", LeftInVolumes = $"{Place}{Volumes}/left";

    /// <summary>One of each way to attach a disk.</summary>
    public static IReadOnlyList<VirtualDisk> OfEachKind(LabFolder folder) =>
        [.. from bus in Enum.GetValues<DiskBus>()
            select VirtualDisk.Blank(folder, $"BLANK-{bus.ToString().ToUpperInvariant()}", Cluster.DiskBytes, bus)];

    /// <summary>
    /// Whether a machine's disks are all split and in use: what a reboot may erase is on the best, which is NVMe where there is one, and on
    /// one alone; volumes on the others; all of it encrypted; and on each something is left for Ceph.
    /// </summary>
    public static bool AreInUse(IReadOnlyList<ListedDisk> disks, params IReadOnlyList<string> transports)
    {
        if (!disks.Select(disk => disk.Transport).Order().SequenceEqual(transports.Order())) return false;
        var best = disks.Where(disk => disk.Uses.Any(use => use.Use == Ephemeral)).ToList();
        return best is [var one] && (one.Transport == "nvme" || !transports.Contains("nvme")) && disks.All(disk => disk.Class == "ours"
            && disk.Uses is [var local, { Use: Osd, MountedAt: null }] && local.Encrypted && (disk == one
                ? local is { Use: Ephemeral, MountedAt: Place + Ephemeral }
                : local.Use == Volumes && local.MountedAt?.StartsWith($"{Place}{Volumes}/", StringComparison.Ordinal) == true));
    }

    /// <summary>Leaves something on each of a worker's file systems, one of which is for a node's folders.</summary>
    /// <param name="run">Runs a command on it; its output.</param>
    /// <param name="volumes">How many of its disks have volumes.</param>
    public static async Task LeaveSomethingAsync(Func<string, Task<string>> run, int volumes)
    {
        await run($"for place in {Place}{Ephemeral} {Place}{Volumes}/*; do echo kept > $place/left; done; sync");
        Assert.Equal([LeftInEphemeral, .. Enumerable.Repeat(LeftInVolumes, volumes)], await LeftAsync(run));
    }

    /// <summary>A command that fails until so many disks' file systems are mounted.</summary>
    public static string AllAreMounted(int disks) =>
        $"for place in {Place}{Ephemeral} {Place}{Volumes}/*; do mountpoint $place; done | grep -c ' is a mountpoint' | grep -x {disks}";

    /// <summary>
    /// After a reboot the volumes are as they were, and of the rest nothing is there, nor to be read from the disk without its key.
    /// </summary>
    /// <param name="run">Runs a command on the worker; its output.</param>
    /// <param name="volumes">On how many disks' volumes something was left.</param>
    public static async Task OnlyVolumesAreKeptAsync(Func<string, Task<string>> run, int volumes)
    {
        Assert.Equal(Enumerable.Repeat(LeftInVolumes, volumes), await LeftAsync(run));
        // The file system's label; that it is found in the second shows that it would be in the first.
        var partition = (await run("lsblk -nro NAME,PARTLABEL | awk '$2 == \"operos-ephemeral\" { print $1 }'")).Trim();
        Assert.Equal(("0", "1"), ((await FirstMiBAsync(partition)).Trim(), (await FirstMiBAsync("mapper/operos-ephemeral")).Trim()));

        Task<string> FirstMiBAsync(string device) => run($"head -c 1M /dev/{device} | grep -ac ephemeral || true");
    }

    /// <summary>After a reboot the volumes are as they were, of the rest nothing is there, and a node's folders are on a disk.</summary>
    public static async Task FoldersAreNewAsync(Func<string, Task<string>> run, int volumes)
    {
        Assert.Equal(Enumerable.Repeat(LeftInVolumes, volumes), await LeftAsync(run));
        var sources = await run("for folder in /var/lib/containerd /var/lib/kubelet /var/log/pods; do "
            + "findmnt --noheadings --output SOURCE,FSTYPE $folder; done");
        Assert.Equal(["containerd", "kubelet", "pod-logs"], sources.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line =>
            line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var source, "ext4"]
                && source.StartsWith("/dev/mapper/operos-ephemeral[/", StringComparison.Ordinal) ? source[30..^1] : line));
    }

    /// <summary>What was left and is there, without the disk's name.</summary>
    private static async Task<IReadOnlyList<string>> LeftAsync(Func<string, Task<string>> run)
    {
        var paths = await run($"ls {Place}{Ephemeral}/left {Place}{Volumes}/*/left 2>/dev/null || true");
        return [.. paths.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(path => path.Split('/') is var parts && parts.Length == 7 ? $"/{string.Join('/', parts[1..5])}/left" : path)
            .Order(StringComparer.Ordinal)];
    }
}
