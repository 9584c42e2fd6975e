namespace Operos.TestRun;

/// <summary>What a run ends with: a row for each item, times, what was skipped, what failed, and the count of all.</summary>
internal sealed class RunReport(IReadOnlyList<StageResult> stages)
{
    private const int FailureLines = 40, LineLength = 240, FailedNames = 20;

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

    /// <summary>Who sees but the last lines of a run, as of a build server's mail, learns from them what to look at.</summary>
    private void WriteNames(string results, TextWriter output)
    {
        output.WriteLine($"\nlogs: {results}\nfailed:");
        string[] names = [.. _items.SelectMany(item =>
            item.Tests.Where(test => test.Outcome == TestOutcome.Failed).Select(test => Named(item, test)))];
        foreach (var name in names.Take(FailedNames)) output.WriteLine($"  {name}");
        if (names.Length > FailedNames) output.WriteLine($"  and {names.Length - FailedNames} more");
    }

    private static void WriteFailures(ItemResult item, TextWriter output)
    {
        output.WriteLine();
        // Many that were not started have one reason.
        var isShared = (TestResult test) => test.Text.StartsWith("not started", StringComparison.Ordinal);
        var failed = item.Tests.Where(test => test.Outcome == TestOutcome.Failed);
        foreach (var alike in failed.GroupBy(test => (isShared(test) ? "" : test.Name, test.Text)))
        {
            foreach (var test in alike) output.WriteLine($"FAILED {Named(item, test)}");
            var lines = alike.Key.Text.Split('\n').Select(line => line.TrimEnd()).Where(line => line.Length > 0);
            foreach (var line in lines.Take(FailureLines)) output.WriteLine($"    {line[..Math.Min(line.Length, LineLength)]}");
        }
    }

    private static string Named(ItemResult item, TestResult test) =>
        test.Name == item.Item.Name ? test.Name : $"{item.Item.Name}: {test.Name}";
}
