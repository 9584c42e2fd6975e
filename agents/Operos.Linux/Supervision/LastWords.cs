namespace Operos.Linux.Supervision;

/// <summary>The last lines that a daemon said: in them is why it ended.</summary>
internal sealed class LastWords
{
    /// <summary>What was said longer ago is not why it ended.</summary>
    public const int Lines = 8;

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

    public static string Fault(IReadOnlyCollection<string> said) =>
        said.LastOrDefault(line => Faults.Any(line.Contains)) ?? said.LastOrDefault() ?? "";
}
