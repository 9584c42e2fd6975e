namespace Operos.TestRun.Tests;

/// <summary>What hangs is told before it is ended. The limits leave a busy host time to come to the test.</summary>
public sealed class HangTests
{
    private static readonly string Class = typeof(Samples).FullName!;
    private static readonly Item Good = SampleRun.Script("good.sh", "true");

    [Fact]
    public async Task A_project_that_hangs_ends_at_its_limit_with_what_it_waits_for_in_the_log_and_its_tests_counted()
    {
        using var run = new SampleRun();
        var item = SampleRun.Sample("sample", nameof(Samples.Waits_for_ever), nameof(Samples.Has_rows));
        item = item with { Limit = TimeSpan.FromSeconds(15) };
        await run.RunAsync(new Group(item), new Group(Good));
        // The rows ran before or were not started: that is the runner's choice.
        Assert.Matches("^(3 passed, 1|1 passed, 3) failed$", run.LastLine);
        Assert.Contains($"FAILED sample: {Class}.Waits_for_ever\n    unfinished: its limit of 15 s was reached", run.Output);
        Assert.Contains($"stacks: waiting (1)\n    at {Class}.Never\n    at {Class}.Waits_for_ever\n", run.LogOf(item));
    }

    [Fact]
    public async Task A_thread_that_hangs_has_its_stack_in_the_log()
    {
        using var run = new SampleRun();
        var item = SampleRun.Sample("sample", nameof(Samples.Sleeps_for_ever)) with { Limit = TimeSpan.FromSeconds(15) };
        await run.RunAsync(new Group(item));
        Assert.Equal("0 passed, 1 failed", run.LastLine);
        Assert.Contains($"    at {Class}.Sleeps_for_ever()", run.LogOf(item));
    }
}
