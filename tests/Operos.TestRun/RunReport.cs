namespace Operos.TestRun;

/// <summary>What a run ends with: a row for each item, times, what was skipped, what failed, and the count of all.</summary>
internal sealed class RunReport(IReadOnlyList<StageResult> stages)
{
    private const int FailureLines = 40, LineLength = 240, LastNames = 12, LastLines = 3;

    private readonly IReadOnlyList<ItemResult> _items = [.. stages.SelectMany(stage => stage.Items)];

    public IReadOnlyList<StageResult> Stages => stages;

    public int Passed => _items.Where(item => item.Item.IsTest).Sum(item => item.Count(TestOutcome.Passed));

    public int Failed => _items.Sum(item => item.Count(TestOutcome.Failed));

    public int Skipped => _items.Sum(item => item.Count(TestOutcome.Skipped));

    /// <summary>The line that every run ends with.</summary>
    public string Closing => $"{Passed} passed, {Failed} failed{(Skipped > 0 ? $", {Skipped} skipped" : "")}";

    public IEnumerable<(ItemResult Item, TestResult Test)> Slowest =>
        _items.Where(item => item.Item.IsProject).SelectMany(item => item.Tests.Select(test => (Item: item, Test: test)))
            .Where(pair => pair.Test.Seconds > 0).OrderByDescending(pair => pair.Test.Seconds).Take(10);

    public static string Row(ItemResult item)
    {
        var passed = item.Item.IsTest ? item.Count(TestOutcome.Passed) : 0;
        var more = item.Count(TestOutcome.Skipped) is > 0 and var skipped ? $"  {skipped} skipped" : "";
        if (item.Outcome is not ("passed" or "failed")) more += $"  {item.Outcome}";
        var counts = $"{passed,5} passed {item.Count(TestOutcome.Failed),4} failed";
        return $"{item.Item.Name,-34} {counts} {item.Seconds,5:0} s of {item.Item.Limit.TotalSeconds,4:0}{more}";
    }

    /// <summary>What failed stands at the very end: nobody scrolls through an hour of output.</summary>
    /// <param name="results">The folder of logs.</param>
    public void Write(string results, TextWriter output)
    {
        output.WriteLine();
        foreach (var item in _items) output.WriteLine(Row(item));
        output.WriteLine("\nstages: " + string.Join(", ", stages.Select(stage => $"{stage.Name} {stage.Seconds:0} s")));
        output.WriteLine("\nthe ten slowest tests:");
        foreach (var (item, test) in Slowest) output.WriteLine($"  {test.Seconds,7:0.0} s  {Named(item, test)}");
        if (Skipped > 0) output.WriteLine();
        foreach (var item in _items)
            foreach (var test in item.Tests.Where(test => test.Outcome == TestOutcome.Skipped))
                output.WriteLine($"SKIPPED {Named(item, test)}: {test.Text}");
        foreach (var item in _items.Where(item => item.HasFailed)) WriteFailures(item, output);
        if (Failed > 0) WriteNames(results, output);
        output.WriteLine($"\n{Closing}");
    }

    /// <summary>Who sees but the last lines of a run, as of a build server's mail, learns from them what to look at, and why.</summary>
    private void WriteNames(string results, TextWriter output)
    {
        output.WriteLine($"\nlogs: {results}\nfailed:");
        var failed = _items.SelectMany(item => item.Tests.Where(test => test.Outcome == TestOutcome.Failed).Select(test => (item, test)));
        // What was never begun tells nothing by its name: of the reason alone there is something to learn.
        var causes = failed.Where(pair => !pair.test.HasNotBegun).ToList();
        foreach (var (item, test) in causes.Take(LastNames))
        {
            output.WriteLine($"  {Named(item, test)}");
            foreach (var line in Lines(test.Text).Take(LastLines)) output.WriteLine($"    {line}");
        }
        if (causes.Count > LastNames) output.WriteLine($"  and {causes.Count - LastNames} more");
        foreach (var alike in failed.Where(pair => pair.test.HasNotBegun).GroupBy(pair => (pair.item.Item.Name, pair.test.Text)))
            output.WriteLine($"  {alike.Count()} of {alike.Key.Name}: {alike.Key.Text}");
    }

    private static IEnumerable<string> Lines(string text) => text.Split('\n').Select(line => line.TrimEnd()).Where(line => line.Length > 0)
        .Select(line => line[..Math.Min(line.Length, LineLength)]);

    private static void WriteFailures(ItemResult item, TextWriter output)
    {
        output.WriteLine();
        // Many that were not started have one reason.
        var failed = item.Tests.Where(test => test.Outcome == TestOutcome.Failed);
        foreach (var alike in failed.GroupBy(test => (test.HasNotBegun ? "" : test.Name, test.Text)))
        {
            foreach (var test in alike) output.WriteLine($"FAILED {Named(item, test)}");
            foreach (var line in Lines(alike.Key.Text).Take(FailureLines)) output.WriteLine($"    {line}");
        }
    }

    private static string Named(ItemResult item, TestResult test) =>
        test.Name == item.Item.Name ? test.Name : $"{item.Item.Name}: {test.Name}";
}
