namespace Operos.TestRun.Tests;

/// <summary>What hangs is told before it is ended. The limits leave a busy host time to come to the test.</summary>
public sealed class HangTests
{
    private static readonly string Class = typeof(Samples).FullName!;
    private static readonly Item Good = SampleRun.Script("good.sh", "true");

    [Fact]
    public async Task A_project_that_hangs_ends_at_its_limit_with_what_it_waits_for_in_the_log_and_its_tests_counted()
    {
        using var tasks = new SampleRun();
        using var threads = new SampleRun();
        var limit = TimeSpan.FromSeconds(20);
        var waits = SampleRun.Sample("waits", nameof(Samples.Waits_for_ever), nameof(Samples.Has_rows)) with { Limit = limit };
        var sleeps = SampleRun.Sample("sleeps", nameof(Samples.Sleeps_for_ever)) with { Limit = limit };
        // Two runs, since what stands beside another may not come to its test in time.
        await Task.WhenAll(tasks.RunAsync(new Group(waits), new Group(Good)), threads.RunAsync(new Group(sleeps)));
        // The rows ran before or were not started: that is the runner's choice.
        Assert.True(tasks.LastLine is "3 passed, 1 failed" or "1 passed, 3 failed", tasks.Output);
        Assert.Contains($"FAILED waits: {Class}.Waits_for_ever\n    unfinished: its limit of 20 s was reached", tasks.Output);
        Assert.Contains($"stacks: waiting (1)\n    at {Class}.Never\n    at {Class}.Waits_for_ever\n", tasks.LogOf(waits));
        Assert.Equal("0 passed, 1 failed", threads.LastLine);
        Assert.Contains($"FAILED sleeps: {Class}.Sleeps_for_ever\n    unfinished: its limit of 20 s was reached", threads.Output);
        Assert.Contains($"    at {Class}.Sleeps_for_ever()", threads.LogOf(sleeps));
    }
}
