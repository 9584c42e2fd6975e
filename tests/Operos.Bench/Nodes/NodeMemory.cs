using System.Globalization;
using System.Text.RegularExpressions;
using Operos.Lab;

namespace Operos.Bench.Nodes;

/// <summary>What a node's system holds in RAM, as its kernel tells (proc(5)).</summary>
/// <param name="Used">Without the page cache, which the kernel gives back; with tmpfs, where a worker's layers lie. In bytes.</param>
/// <param name="Rss">Of each agent, in bytes; shared pages count in each.</param>
internal sealed record NodeMemory(long Used, IReadOnlyDictionary<string, long> Rss)
{
    /// <summary>What makes the machine a node, by the kernel's names for the processes.</summary>
    public static readonly string[] Agents = ["operos-worker", "kubelet", "containerd", "kube-proxy"];

    public static NodeMemory Parse(string text)
    {
        var rss = Regex.Matches(text, @"^\S+/status:Name:\s+(\S+)\n\S+/status:VmRSS:\s+(\d+) kB", RegexOptions.Multiline)
            .GroupBy(match => match.Groups[1].Value).ToDictionary(
                group => group.Key, group => group.Sum(match => Bytes(match.Groups[2].Value)));
        return new NodeMemory(Field("MemTotal") - Field("MemFree") - Field("Buffers") - Field("Cached") - Field("SReclaimable")
            + Field("Shmem"), rss);

        long Field(string name) =>
            Regex.Match(text, $@"^{name}:\s+(\d+) kB", RegexOptions.Multiline) is { Success: true } match
            ? Bytes(match.Groups[1].Value) : throw new LabException($"the node's /proc/meminfo shows no {name}:\n{text}");
    }

    public static IEnumerable<Row> Compare(NodeMemory ours, NodeMemory theirs)
    {
        yield return new Row("idle node, RAM of the system", Megabytes(ours.Used), $"disk {Megabytes(theirs.Used)}",
            $"ratio {(double)ours.Used / theirs.Used:0.00}");
        yield return new Row("idle node, RSS of its agents", Megabytes(ours.Rss.Values.Sum()), $"disk {Megabytes(theirs.Rss.Values.Sum())}",
            $"ratio {(double)ours.Rss.Values.Sum() / theirs.Rss.Values.Sum():0.00}");
        foreach (var agent in Agents)
            yield return new Row($"  {agent}", ours.Rss.TryGetValue(agent, out var here) ? Megabytes(here) : "-",
            theirs.Rss.TryGetValue(agent, out var there) ? $"disk {Megabytes(there)}" : "-");
    }

    public override string ToString() =>
        $"idle: {Megabytes(Used)} of the system; {string.Join(", ", Rss.Select(agent => $"{agent.Key} {Megabytes(agent.Value)}"))}";

    private static long Bytes(string kilobytes) => long.Parse(kilobytes, CultureInfo.InvariantCulture) * 1024;

    private static string Megabytes(long bytes) => $"{bytes / 1e6:0.0} MB";
}
