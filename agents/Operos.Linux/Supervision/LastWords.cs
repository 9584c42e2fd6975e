namespace Operos.Linux.Supervision;

/// <summary>The last lines that a daemon said: in them is why it ended.</summary>
internal sealed class LastWords
{
    /// <summary>What was said longer ago is not why it ended.</summary>
    public const int Lines = 8;
    private const int Longest = 500;

    /// <summary>In the line by which many a daemon says why it ends; some say more after that.</summary>
    private static readonly string[] Faults = ["critical: ", "error: "];
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

    /// <summary>Fit for a terminal: clients of the daemon chose some of its words.</summary>
    public static string Fault(IReadOnlyCollection<string> said) =>
        PrintableText.Line(said.LastOrDefault(line => Faults.Any(line.Contains)) ?? said.LastOrDefault(), Longest) ?? "";
}
