using System.Diagnostics;
using Operos.Lab;

namespace Operos.Bench;

/// <summary>Stripped sizes, and start-up to the first answer.</summary>
internal static class SizeBench
{
    public static IEnumerable<Row> Run(Build build)
    {
        foreach (var (name, limit) in new[] { ("operos-init", 4e6), ("operos-worker", 0.0), ("operos-controller", 0.0),
            ("operosctl", 0.0) })
        {
            var size = new FileInfo(build.Binary(name)).Length;
            yield return new Row($"{name}, size", $"{size / 1e6:0.00} MB", "", limit > 0 ? "at most 4 MB" : "", limit > 0
                ? size <= limit : null);
        }
        foreach (var name in (string[])["operos-worker", "operos-controller", "operosctl"])
        {
            var times = Enumerable.Range(0, 5).Select(_ =>
            {
                var clock = Stopwatch.StartNew();
                using var process = Process.Start(new ProcessStartInfo(build.Binary(name), ["--version"])
                    { RedirectStandardOutput = true })!;
                process.WaitForExit();
                return clock.Elapsed.TotalMilliseconds;
            }).Order().ToList();
            yield return new Row($"{name}, start-up (median of 5)", $"{times[2]:0} ms");
        }
    }
}
