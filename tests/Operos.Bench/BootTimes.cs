using System.Globalization;
using System.Text.RegularExpressions;
using Operos.Lab;

namespace Operos.Bench;

/// <summary>
/// A boot by the kernel's own clock, as its console shows it: seconds from the hand-over to PID 1 of the initramfs until that leaves for
/// the real root, and until the real root's systemd says that it runs.
/// </summary>
internal sealed record BootTimes(double Switch, double System)
{
    private const string Start = "Run /init as init process";
    private const string SystemRuns = @"systemd\[1\]: systemd [0-9]\S* running in system mode";

    /// <summary>
    /// A whole boot, for <see cref="SerialLog.WaitForAsync"/>: an initramfs with a systemd of its own shows the last line before, too.
    /// </summary>
    public static string Whole(string switches) => $@"{switches}[\s\S]*{SystemRuns}.*\n";

    /// <param name="switches">The line that PID 1 of the initramfs writes when all is mounted and it goes.</param>
    /// <exception cref="LabException">A line is missing, or the machine started more than once.</exception>
    public static BootTimes Read(string console, string switches)
    {
        if (Regex.Count(console, Start, RegexOptions.None, TimeSpan.FromSeconds(5)) != 1)
            throw new LabException("the machine did not start exactly once");
        var at = 0;
        var start = Next(console, ref at, Start);
        var left = Next(console, ref at, switches);
        return new BootTimes(left - start, Next(console, ref at, SystemRuns) - start);
    }

    private static double Next(string console, ref int at, string line)
    {
        var match = Regex.Match(console[at..], $@"\[ *([0-9]+\.[0-9]{{6}})\] {line}", RegexOptions.None, TimeSpan.FromSeconds(5));
        if (!match.Success) throw new LabException($"the console does not show: {line}");
        at += match.Index + match.Length;
        return double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);
    }
}
