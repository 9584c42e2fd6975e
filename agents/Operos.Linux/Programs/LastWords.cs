using System.Text.RegularExpressions;

namespace Operos.Linux.Programs;

/// <summary>The last lines that a program said: in them is why it ended, or ails.</summary>
public sealed partial class LastWords
{
    /// <summary>What was said longer ago is not why it ended.</summary>
    public const int Lines = 8;
    private const int Longest = 400;

    /// <summary>In the line by which many a program says what is wrong; some say more after that.</summary>
    private static readonly string[] Faults = ["critical: ", "level=error", "level=fatal", "rror:"];
    private readonly Queue<string> lines = new();

    public void Add(string line)
    {
        lock (lines)
        {
            if (lines.Count == Lines) lines.Dequeue();
            lines.Enqueue(line);
        }
    }

    /// <summary>Empty where it said nothing.</summary>
    public override string ToString()
    {
        lock (lines) return Fault(lines);
    }

    /// <summary>
    /// The last line that sounds like trouble, or else the last. Kubernetes' programs mark errors with E or F and the date (klog), and may
    /// print their usage after them; Ceph's with -1 behind time and thread. Fit for a terminal: clients of a program chose some of its
    /// words.
    /// </summary>
    public static string Fault(IReadOnlyCollection<string> said)
    {
        var line = said.LastOrDefault(line => Marked().IsMatch(line))
            ?? said.LastOrDefault(line => Faults.Any(fault => line.Contains(fault, StringComparison.Ordinal)))
            ?? said.LastOrDefault(line => !string.IsNullOrWhiteSpace(line)) ?? "";
        return PrintableText.Line(Head().Replace(line, ""), Longest) ?? "";
    }

    [GeneratedRegex(@"\A([EF]\d{4} |\d{4}-\d\d-\d\dT[0-9:.+-]+ [0-9a-f]+ -1 )")]
    private static partial Regex Marked();

    [GeneratedRegex(@"\A([IWEF]\d{4} [0-9:.]+ +\d+ [^\]]*\]|\d{4}-\d\d-\d\dT[0-9:.+-]+ [0-9a-f]+ +-?\d+) ")]
    private static partial Regex Head();
}
