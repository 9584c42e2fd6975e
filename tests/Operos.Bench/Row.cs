using System.Diagnostics;
using System.Globalization;
using System.Net;
using Operos.Lab;

namespace Operos.Bench;

/// <summary>A line of the table; no verdict where there is no goal.</summary>
internal sealed record Row(string What, string Ours, string Theirs = "", string Goal = "", bool? Met = null);

/// <summary>The kernel's own figures of a process (proc(5)).</summary>
internal static class ProcessFigures
{
    private const double TicksPerSecond = 100;

    /// <summary>User and system time in seconds, its threads' and its reaped children's.</summary>
    public static double CpuSeconds(params IEnumerable<int> processes) =>
        processes.Sum(process =>
            File.ReadAllText($"/proc/{process}/stat").Split(')')[^1].Split(' ')[12..14]
            .Sum(ticks => double.Parse(ticks, CultureInfo.InvariantCulture))) / TicksPerSecond;

    /// <summary>Of all cores, not idle and not waiting for disks, in seconds.</summary>
    public static double MachineBusySeconds() =>
        File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1)
            .Where((_, field) => field is 0 or 1 or 2 or 5 or 6)
            .Sum(ticks => double.Parse(ticks, CultureInfo.InvariantCulture)) / TicksPerSecond;

    public static long RssBytes(int process) =>
        long.Parse(File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
}

/// <summary>How busy the host is: above the number of CPUs the times are other programs' too.</summary>
internal static class HostLoad
{
    /// <summary>Of the last minute (proc(5), loadavg).</summary>
    public static string LastMinute() => File.ReadAllText("/proc/loadavg").Split(' ')[0];
}

/// <summary>The controller's binary as a user runs it, on the namespace's loopback.</summary>
internal static class BenchController
{
    /// <summary>Of the network namespace's loopback device (<c>make bench</c>): a controller takes no loopback address.</summary>
    public static readonly IPAddress Address = IPAddress.Parse("10.77.0.1");

    public static Process Start(Build build, string folder)
    {
        var setup = Path.Combine(folder, "setup");
        Shell.RunAsync(build.Binary("operos-controller"),
            ["setup", "--dir", setup, "--address", $"{Address}/24", "--release-key", build.ReleasePublicKey, "--admission", "auto",
                "--dhcp-mode", "off"], default).GetAwaiter().GetResult();
        return Process.Start(new ProcessStartInfo("setpriv",
            ["--pdeathsig", "KILL", build.Binary("operos-controller"), "run", "--config",
            Path.Combine(setup, "upper/etc/operos/controller.toml"),
            "--state", Path.Combine(setup, "state"), "--run", Path.Combine(folder, "run"), "--releases",
                Path.GetDirectoryName(build.Release)!, "--loaders", build.Loaders]) { RedirectStandardOutput = true })!;
    }
}
