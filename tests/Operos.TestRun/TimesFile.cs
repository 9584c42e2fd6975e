using System.Text.Json;

namespace Operos.TestRun;

/// <summary>What a run took, kept for whoever compares runs: <c>times.json</c>, whose fields tests/README.md has.</summary>
internal static class TimesFile
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <param name="started">When the first stage began.</param>
    /// <param name="compiling">Seconds, spent before that.</param>
    public static void Write(string path, DateTimeOffset started, double compiling, RunReport report)
    {
        object compile = new { Name = "compile", Seconds = Round(compiling), Items = Array.Empty<object>() };
        var times = new
        {
            Started = started,
            Seconds = Round(compiling + report.Stages.Sum(stage => stage.Seconds)),
            report.Passed, report.Failed, report.Skipped,
            Stages = report.Stages.Select(Describe).Prepend(compile),
            Slowest = report.Slowest.Select(pair => Describe(pair.Item, pair.Test)),
        };
        File.WriteAllText(path + ".new", JsonSerializer.Serialize(times, Format) + "\n");
        File.Move(path + ".new", path, overwrite: true);
    }

    private static object Describe(StageResult stage) =>
        new { stage.Name, Seconds = Round(stage.Seconds), Items = stage.Items.Select(Describe) };

    private static object Describe(ItemResult item, TestResult test) =>
        new { Item = item.Item.Name, Test = test.Name, Seconds = Round(test.Seconds) };

    private static object Describe(ItemResult item) => new
    {
        item.Item.Name, Seconds = Round(item.Seconds), LimitSeconds = item.Item.Limit.TotalSeconds, item.Outcome,
        Passed = item.Count(TestOutcome.Passed), Failed = item.Count(TestOutcome.Failed), Skipped = item.Count(TestOutcome.Skipped),
    };

    private static double Round(double seconds) => Math.Round(seconds, 2);
}
