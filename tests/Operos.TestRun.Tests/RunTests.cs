using System.Text.Json;

namespace Operos.TestRun.Tests;

/// <summary>However an item ends, the run goes on and counts.</summary>
public sealed class RunTests
{
    [Fact]
    public async Task Tests_are_counted_as_the_runner_tells_and_what_failed_is_shown_last()
    {
        using var run = new SampleRun();
        await run.RunAsync([new Group(SampleRun.Sample("sample", null, nameof(Samples.Passes), nameof(Samples.Fails), nameof(Samples.Is_skipped), nameof(Samples.Has_rows))), new Group(SampleRun.Script("good.sh", "echo fine"))]);
        Assert.Equal("4 passed, 1 failed, 1 skipped", run.LastLine);
        Assert.Contains("a word of a test", run.Output);
        Assert.Contains($"SKIPPED sample: {typeof(Samples).FullName}.Is_skipped: for a reason", run.Output);
        var failure = run.Output.IndexOf($"\nFAILED sample: {typeof(Samples).FullName}.Fails\n    Assert.Equal() Failure", StringComparison.Ordinal);
        Assert.True(failure > run.Output.IndexOf("the ten slowest tests", StringComparison.Ordinal), run.Output);
        Assert.Contains("Samples.cs:line", run.Output[failure..]);
    }

    [Theory]
    [InlineData(nameof(Samples.Kills_its_process), "Kills_its_process\n    unfinished: its process ended before its tests did, with exit code 137")]
    [InlineData(nameof(Samples.Exits), "Exits\n    unfinished: its process ended before its tests did, with exit code 0")]
    [InlineData("No_such_test", "FAILED sample\n    it ran no test")]
    public async Task A_project_that_crashes_or_runs_no_test_has_failed(string method, string told)
    {
        using var run = new SampleRun();
        await run.RunAsync([new Group(SampleRun.Sample("sample", null, method)), new Group(SampleRun.Script("good.sh", "true"))]);
        Assert.Equal("1 passed, 1 failed", run.LastLine);
        Assert.Contains(told, run.Output);
    }

    [Fact]
    public async Task A_project_that_hangs_is_ended_at_its_limit_with_its_stacks_in_the_log_and_its_tests_counted()
    {
        using var run = new SampleRun();
        var item = SampleRun.Sample("sample", TimeSpan.FromSeconds(8), nameof(Samples.Waits_for_ever), nameof(Samples.Has_rows));
        await run.RunAsync([new Group(item), new Group(SampleRun.Script("good.sh", "true"))]);
        // The rows ran before or were not started: that is the runner's choice.
        Assert.Matches("^(3 passed, 1|1 passed, 3) failed$", run.LastLine);
        Assert.Contains($"FAILED sample: {typeof(Samples).FullName}.Waits_for_ever\n    unfinished: its limit of 8 s was reached", run.Output);
        Assert.Contains($"stacks: waiting\n    at {typeof(Samples).FullName}.Never\n    at {typeof(Samples).FullName}.Waits_for_ever\n", run.LogOf(item));
    }

    [Fact]
    public async Task A_thread_that_hangs_has_its_stack_in_the_log()
    {
        using var run = new SampleRun();
        var item = SampleRun.Sample("sample", TimeSpan.FromSeconds(8), nameof(Samples.Sleeps_for_ever));
        await run.RunAsync([new Group(item)]);
        Assert.Equal("0 passed, 1 failed", run.LastLine);
        Assert.Contains($"    at {typeof(Samples).FullName}.Sleeps_for_ever()", run.LogOf(item));
    }

    [Fact]
    public async Task A_script_that_hangs_ends_with_all_that_it_started_and_the_rest_runs()
    {
        using var run = new SampleRun();
        var mark = $"7{Random.Shared.Next(1_000_000, 9_999_999)}";
        await run.RunAsync([new Group(SampleRun.Script("stuck.sh", $"trap '' TERM; echo waiting; sleep {mark} & wait; sleep {mark}", TimeSpan.FromSeconds(1)), SampleRun.Script("beside.sh", "true")), new Group(SampleRun.Script("good.sh", "true"))]);
        Assert.Equal("2 passed, 1 failed", run.LastLine);
        Assert.Contains("FAILED stuck.sh\n    its limit of 1 s was reached\n    waiting", run.Output);
        Assert.False(SampleRun.IsRunning(mark), "a child of the script outlived it");
    }

    [Fact]
    public async Task What_a_script_leaves_running_is_told_and_ended()
    {
        using var run = new SampleRun();
        var mark = $"7{Random.Shared.Next(1_000_000, 9_999_999)}";
        await run.RunAsync([new Group(SampleRun.Script("careless.sh", $"sleep {mark} & true"))]);
        Assert.Equal("1 passed, 0 failed", run.LastLine);
        // A shell's child is called as the shell until it becomes what it runs.
        Assert.Matches(@"careless\.sh left running, and the run ended: (sleep|bash) \(\d+\)", run.Output);
        Assert.False(SampleRun.IsRunning(mark), "a child of the script outlived it");
    }

    [Fact]
    public async Task What_needs_an_item_that_failed_is_not_started_and_all_its_tests_count()
    {
        using var run = new SampleRun();
        var rest = SampleRun.Sample("rest", null, nameof(Samples.Passes), nameof(Samples.Has_rows)) with { Needs = ["canary"] };
        await run.RunAsync([new Group(SampleRun.Sample("canary", null, nameof(Samples.Fails))), new Group(rest, SampleRun.Script("beside.sh", "true")), new Group(SampleRun.Script("other.sh", "true"))]);
        Assert.Equal("2 passed, 4 failed", run.LastLine);
        foreach (var name in (string[])["Passes", "Has_rows(row: 1)", "Has_rows(row: 2)"]) Assert.Contains($"FAILED rest: {typeof(Samples).FullName}.{name}\n", run.Output);
        Assert.Contains("    not started: canary failed", run.Output);
        Assert.False(File.Exists(ItemRun.LogPath(rest, run.Folder)), "it was started");
    }

    [Fact]
    public async Task After_the_run_s_limit_nothing_more_is_started_and_it_is_counted()
    {
        using var run = new SampleRun();
        await run.RunAsync([new Group(SampleRun.Script("stuck.sh", "sleep 600")), new Group(SampleRun.Sample("rest", null, nameof(Samples.Has_rows)))], limit: TimeSpan.FromSeconds(1));
        Assert.Equal("0 passed, 3 failed", run.LastLine);
        Assert.Contains("not started: the run's limit of 1 s was reached", run.Output);
    }

    [Fact]
    public async Task Times_are_kept_by_stage_item_and_test()
    {
        using var run = new SampleRun();
        var stages = await run.RunAsync([new Group(SampleRun.Sample("sample", null, nameof(Samples.Passes), nameof(Samples.Is_skipped)))]);
        var path = Path.Combine(run.Folder, "times.json");
        TimesFile.Write(path, DateTimeOffset.UnixEpoch, 12.5, stages);
        using var times = JsonDocument.Parse(await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
        var root = times.RootElement;
        Assert.Equal((1, 0, 1), (root.GetProperty("passed").GetInt32(), root.GetProperty("failed").GetInt32(), root.GetProperty("skipped").GetInt32()));
        Assert.Equal(["compile", "samples"], root.GetProperty("stages").EnumerateArray().Select(stage => stage.GetProperty("name").GetString()));
        Assert.True(root.GetProperty("seconds").GetDouble() > 12.5);
        var item = root.GetProperty("stages")[1].GetProperty("items")[0];
        Assert.Equal(("sample", 60, "passed"), (item.GetProperty("name").GetString(), item.GetProperty("limitSeconds").GetInt32(), item.GetProperty("outcome").GetString()));
        Assert.Equal($"{typeof(Samples).FullName}.Passes", Assert.Single(root.GetProperty("slowest").EnumerateArray()).GetProperty("test").GetString());
    }
}
