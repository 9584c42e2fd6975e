namespace Operos.TestRun;

/// <summary>What a run ends with: rows, times, what was skipped, what failed, and the count of all.</summary>
internal static class RunReport
{
    private const int FailureLines = 40;

    public static string Row(ItemResult result) =>
        $"{result.Item.Name,-34} {(result.Item.IsTest ? result.Count(TestOutcome.Passed) : 0),5} passed {result.Count(TestOutcome.Failed),4} failed"
        + $" {result.Seconds,5:0} s of {result.Item.Limit.TotalSeconds,4:0}{Skipped(result)}{(result.Outcome is "passed" or "failed" ? "" : $"  {result.Outcome}")}";

    public static IReadOnlyList<(ItemResult Item, TestResult Test)> Slowest(IEnumerable<StageResult> stages) =>
        [.. Tests(stages).Where(pair => pair.Item.Item.IsProject && pair.Test.Seconds > 0).OrderByDescending(pair => pair.Test.Seconds).Take(10)];

    /// <returns>Of all that is a test, and of what failed beside.</returns>
    public static (int Passed, int Failed, int Skipped) Count(IEnumerable<StageResult> stages)
    {
        var tests = Tests(stages).Where(pair => pair.Item.Item.IsTest || pair.Test.Outcome == TestOutcome.Failed).Select(pair => pair.Test.Outcome).ToList();
        return (tests.Count(outcome => outcome == TestOutcome.Passed), tests.Count(outcome => outcome == TestOutcome.Failed), tests.Count(outcome => outcome == TestOutcome.Skipped));
    }

    /// <summary>What failed stands at the very end, with the first lines of its message: nobody scrolls through an hour of output.</summary>
    public static void Write(IReadOnlyList<StageResult> stages, string results, TextWriter output)
    {
        output.WriteLine();
        foreach (var item in stages.SelectMany(stage => stage.Items)) output.WriteLine(Row(item));
        output.WriteLine("\nstages: " + string.Join(", ", stages.Select(stage => $"{stage.Name} {stage.Seconds:0} s")));
        output.WriteLine("\nthe ten slowest tests:");
        foreach (var (item, test) in Slowest(stages)) output.WriteLine($"  {test.Seconds,7:0.0} s  {Named(item, test)}");
        foreach (var (item, test) in Tests(stages).Where(pair => pair.Test.Outcome == TestOutcome.Skipped)) output.WriteLine($"\nSKIPPED {Named(item, test)}: {test.Text}");
        foreach (var item in stages.SelectMany(stage => stage.Items).Where(item => item.HasFailed)) WriteFailures(item, output);
        if (Count(stages).Failed > 0) output.WriteLine($"\nlogs: {results}");
        output.WriteLine($"\n{Closing(stages)}");
    }

    /// <summary>The line that every run ends with.</summary>
    public static string Closing(IReadOnlyList<StageResult> stages)
    {
        var (passed, failed, skipped) = Count(stages);
        return $"{passed} passed, {failed} failed{(skipped > 0 ? $", {skipped} skipped" : "")}";
    }

    private static void WriteFailures(ItemResult item, TextWriter output)
    {
        output.WriteLine();
        // Many that were not started have one reason.
        foreach (var alike in item.Tests.Where(test => test.Outcome == TestOutcome.Failed).GroupBy(test => test.Text.StartsWith("not started", StringComparison.Ordinal) ? test.Text : test.Name + test.Text))
        {
            foreach (var test in alike) output.WriteLine($"FAILED {Named(item, test)}");
            foreach (var line in alike.First().Text.Split('\n').Select(line => line.TrimEnd()).Where(line => line.Length > 0).Take(FailureLines))
                output.WriteLine($"    {(line.Length > 240 ? line[..240] : line)}");
        }
    }

    private static string Named(ItemResult item, TestResult test) => test.Name == item.Item.Name ? test.Name : $"{item.Item.Name}: {test.Name}";

    private static string Skipped(ItemResult result) => result.Count(TestOutcome.Skipped) is > 0 and var count ? $" {count} skipped" : "";

    private static IEnumerable<(ItemResult Item, TestResult Test)> Tests(IEnumerable<StageResult> stages) => stages.SelectMany(stage => stage.Items).SelectMany(item => item.Tests.Select(test => (item, test)));
}
