using System.Globalization;

namespace Operos.Node.Memory;

/// <summary>
/// Gives the file systems in RAM their bounds, and says when memory runs out and what holds it. Files in RAM are no process's: only who
/// looks for them finds them.
/// </summary>
/// <param name="plan">Null on a machine with a disk, whose files are no part of its memory.</param>
/// <param name="procfs">Another place than <c>/proc</c>, for a test.</param>
internal sealed class MemoryWatch(MemoryPlan? plan, string procfs = "/proc")
{
    private const int MostFolders = 3;

    /// <summary>Bounds what is mounted by now and not bounded yet.</summary>
    /// <returns>How it stands, in words.</returns>
    /// <exception cref="NodeException">Little memory is left, or a folder holds more than it may.</exception>
    public async Task<string> LookAsync(CancellationToken cancellationToken)
    {
        var problems = new List<string>();
        var mounted = Mounted();
        foreach (var folder in plan?.Folders ?? [])
            if (mounted.Contains(folder.Path) && await BoundAsync(folder, cancellationToken).ConfigureAwait(false) is { } problem)
                problems.Add(problem);
        var (total, available) = (Read("MemTotal"), Read("MemAvailable"));
        if (available < MemoryPlan.Free)
            problems.Insert(0, $"{Size(available)} of {Size(total)} of memory are left: the kubelet evicts pods, or the kernel ends them; "
                + $"{Holders(mounted)}");
        if (problems.Count > 0) throw new NodeException(string.Join("; ", problems));
        return plan is null ? "" : $"{Size(plan.Pods)} of {Size(plan.Total)} are for pods";
    }

    private static async Task<string?> BoundAsync(RamFolder folder, CancellationToken cancellationToken)
    {
        var mount = new DriveInfo(folder.Path);
        if (mount.TotalSize == folder.Bytes) return null;
        var result = await HostProgram.TryAsync("mount", ["-o", $"remount,size={folder.Bytes}", folder.Path], cancellationToken)
            .ConfigureAwait(false);
        return result.Code == 0 ? null
            : $"{folder.Path} ({folder.What}) cannot be bounded to {Size(folder.Bytes)}: it holds {Size(Used(mount))} ({result.LastLine})";
    }

    private string Holders(IReadOnlySet<string> mounted)
    {
        var held = (plan?.Folders ?? []).Where(folder => mounted.Contains(folder.Path))
            .Select(folder => (folder.What, folder.Path, Used: Used(new DriveInfo(folder.Path))))
            .OrderByDescending(folder => folder.Used).Take(MostFolders).ToList();
        return held.Count == 0 ? "operosctl why tells of its pods"
            : $"of that, {string.Join(", ", held.Select(folder => $"{folder.What} {Size(folder.Used)} ({folder.Path})"))}";
    }

    /// <summary>Where a tmpfs is mounted (proc(5), mounts). A folder that is none is the root's.</summary>
    private HashSet<string> Mounted() =>
        [.. File.ReadLines(Path.Combine(procfs, "self/mounts")).Select(line => line.Split(' '))
            .Where(words => words is [_, _, "tmpfs", ..]).Select(words => words[1])];

    /// <summary>A field of proc_meminfo(5), in bytes.</summary>
    private long Read(string field)
    {
        var line = File.ReadLines(Path.Combine(procfs, "meminfo"))
            .FirstOrDefault(line => line.StartsWith(field + ":", StringComparison.Ordinal));
        return line is null ? throw new NodeException($"the kernel does not tell {field} in {procfs}/meminfo")
            : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }

    private static long Used(DriveInfo mount) => mount.TotalSize - mount.TotalFreeSpace;

    private static string Size(long bytes) => bytes < 1_000_000_000 ? $"{bytes / 1e6:0} MB" : $"{bytes / 1e9:0.0} GB";
}
