using System.Diagnostics;
using System.Globalization;

namespace Operos.Lab;

/// <summary>Ends what a lab has made, or one that was killed has left. Nothing here throws for what is gone already.</summary>
internal static class Leftovers
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20), Glance = TimeSpan.FromMilliseconds(50);

    public static void Kill(string id)
    {
        try
        {
            using var process = Process.GetProcessById(int.Parse(id, CultureInfo.InvariantCulture));
            process.Kill();
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException) { }
    }

    /// <summary>
    /// Grandchildren too: what a killed controller left behind is noted nowhere. Comes back when they are gone, so that none of them still
    /// writes into a folder that is deleted next.
    /// </summary>
    /// <returns>Those that do not end.</returns>
    public static IReadOnlyList<string> EndProcesses(IReadOnlyCollection<string> namespaces)
    {
        for (var clock = Stopwatch.StartNew(); ; Thread.Sleep(Glance))
        {
            var left = namespaces.SelectMany(ProcessesIn).ToList();
            if (left.Count == 0 || clock.Elapsed > Patience) return [.. left.Select(id => $"process {id}")];
            left.ForEach(Kill);
        }
    }

    /// <summary>A control group of each hierarchy, with whatever runs in it; the kernel may need a moment to say that it is gone.</summary>
    /// <returns>Those that stay.</returns>
    public static IReadOnlyList<string> RemoveControlGroups(string name)
    {
        // One in each hierarchy of version 1, one in all of version 2.
        var groups = $"/sys/fs/cgroup/*/{name} /sys/fs/cgroup/{name}";
        var left = Run("sh", "-c", $$"""
            for i in 1 2 3 4 5 6 7 8 9 10; do
                find {{groups}} -name cgroup.procs -exec cat {} + 2>/dev/null | sort -u | xargs -r kill -KILL 2>/dev/null
                find {{groups}} -depth -type d -exec rmdir {} + 2>/dev/null
                ls -d {{groups}} 2>/dev/null | grep -q . || exit 0
                sleep 0.5
            done
            ls -d {{groups}} 2>/dev/null
            """);
        return left.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>What it printed; its errors, and that it fails, are of no interest.</summary>
    public static string Run(string program, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit(Patience);
        return output;
    }

    private static string[] ProcessesIn(string name) => Run("ip", "netns", "pids", name).Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
