using System.Text.Json;

namespace Operos.TestRun;

/// <summary>What a run took, kept for whoever compares runs: <c>times.json</c>, whose fields tests/README.md has.</summary>
internal static class TimesFile
{
    private static readonly JsonSerializerOptions Format = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true };

    /// <param name="compiling">Seconds, spent before the run.</param>
    public static void Write(string path, DateTimeOffset started, double compiling, IReadOnlyList<StageResult> stages)
    {
        var (passed, failed, skipped) = RunReport.Count(stages);
        var times = new
        {
            Started = started,
            Seconds = Round(compiling + stages.Sum(stage => stage.Seconds)),
            Passed = passed, Failed = failed, Skipped = skipped,
            Stages = stages.Select(stage => new { stage.Name, Seconds = Round(stage.Seconds), Items = stage.Items.Select(Describe) }).Prepend(new { Name = "compile", Seconds = Round(compiling), Items = Enumerable.Empty<object>() }),
            Slowest = RunReport.Slowest(stages).Select(pair => new { Item = pair.Item.Item.Name, Test = pair.Test.Name, Seconds = Round(pair.Test.Seconds) }),
        };
        File.WriteAllText(path + ".new", JsonSerializer.Serialize(times, Format) + "\n");
        File.Move(path + ".new", path, overwrite: true);
    }

    private static object Describe(ItemResult result) => new
    {
        result.Item.Name, Seconds = Round(result.Seconds), LimitSeconds = result.Item.Limit.TotalSeconds, result.Outcome,
        Passed = result.Count(TestOutcome.Passed), Failed = result.Count(TestOutcome.Failed), Skipped = result.Count(TestOutcome.Skipped),
    };

    private static double Round(double seconds) => Math.Round(seconds, 2);
}
