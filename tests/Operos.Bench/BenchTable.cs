namespace Operos.Bench;

/// <summary>The rows of all parts. A part that fails is a row that says so, and costs no other part's.</summary>
/// <param name="wanted">The parts to measure, by name; none for all.</param>
internal sealed class BenchTable(IReadOnlyCollection<string> wanted)
{
    private readonly List<Row> rows = [];

    public bool Failed { get; private set; }

    public Task MeasureAsync(string part, Func<IEnumerable<Row>> measure) => MeasureAsync(part, () => Task.FromResult(measure()));

    public async Task MeasureAsync(string part, Func<Task<IEnumerable<Row>>> measure)
    {
        if (wanted.Count > 0 && !wanted.Contains(part)) return;
        try { rows.AddRange((await measure()).ToList()); }
        catch (Exception e)
        {
            Failed = true;
            Console.Error.WriteLine($"bench: {part} failed: {e}");
            rows.Add(new Row(part, "FAILED", "", Start(e.Message)));
        }
    }

    /// <summary>What a row has room for; the whole stands above the table.</summary>
    private static string Start(string message) =>
        message.Split('\n')[0] is { Length: > 150 } line ? line[..150] + "..." : message.Split('\n')[0];

    public void Print()
    {
        Console.WriteLine($"\n{"",-40} {"Operos",16} {"beside it",16}  goal");
        foreach (var row in rows)
            Console.WriteLine(
            $"{row.What,-40} {row.Ours,16} {row.Theirs,16}  {row.Goal}{(row.Met is null ? "" : row.Met.Value ? "  met" : "  MISSED")}");
    }
}
