using System.Globalization;
using System.Text.Json;

namespace Operos.TestRun.Tests;

/// <summary>However an item ends, the run goes on and counts.</summary>
public sealed class RunTests
{
    private static readonly string Class = typeof(Samples).FullName!;
    private static readonly Item Good = SampleRun.Script("good.sh", "echo fine");

    [Fact]
    public async Task Tests_are_counted_as_the_runner_tells_and_what_failed_is_shown_last()
    {
        using var run = new SampleRun();
        string[] methods = [nameof(Samples.Passes), nameof(Samples.Fails), nameof(Samples.Is_skipped), nameof(Samples.Has_rows)];
        await run.RunAsync(new Group(SampleRun.Sample("sample", methods)), new Group(Good));
        Assert.Equal("4 passed, 1 failed, 1 skipped", run.LastLine);
        Assert.Contains("a word of a test", run.Output);
        Assert.Contains($"SKIPPED sample: {Class}.Is_skipped: for a reason", run.Output);
        var slowest = run.Output.IndexOf("the ten slowest tests", StringComparison.Ordinal);
        var failure = run.Output.IndexOf($"\nFAILED sample: {Class}.Fails\n    Assert.Equal() Failure", StringComparison.Ordinal);
        Assert.True(failure > slowest, run.Output);
        Assert.Contains("Samples.cs:line", run.Output[failure..]);
        var last = run.Output[run.Output.IndexOf("\nfailed:\n", StringComparison.Ordinal)..];
        Assert.StartsWith($"\nfailed:\n  sample: {Class}.Fails\n    Assert.Equal() Failure", last);
        Assert.EndsWith("\n\n4 passed, 1 failed, 1 skipped", last.TrimEnd());
    }

    [Fact]
    public async Task A_failure_that_holds_a_console_s_control_characters_counts_and_is_shown_without_them()
    {
        using var run = new SampleRun();
        await run.RunAsync(new Group(SampleRun.Sample("sample", nameof(Samples.Fails_with_a_console))));
        Assert.Equal("0 passed, 1 failed", run.LastLine);
        Assert.Contains($"FAILED sample: {Class}.Fails_with_a_console", run.Output);
        Assert.Contains("[!p]104the guest's last words", run.Output);
    }

    [Theory]
    [InlineData(nameof(Samples.Kills_its_process), "Kills_its_process\n    unfinished: its process ended with exit code 137")]
    [InlineData(nameof(Samples.Exits), "Exits\n    unfinished: its process ended with exit code 0 before its tests were done")]
    [InlineData("No_such_test", "FAILED sample\n    it ran no test")]
    public async Task A_project_that_crashes_or_runs_no_test_has_failed(string method, string told)
    {
        using var run = new SampleRun();
        await run.RunAsync(new Group(SampleRun.Sample("sample", method)), new Group(Good));
        Assert.Equal("1 passed, 1 failed", run.LastLine);
        Assert.Contains(told, run.Output);
    }

    [Fact]
    public async Task A_script_that_hangs_ends_with_all_that_it_started_and_the_rest_runs()
    {
        using var run = new SampleRun();
        var mark = SampleRun.UniqueSeconds();
        var stuck = SampleRun.Script("stuck.sh", $"trap '' TERM; echo waiting; sleep {mark} & wait; sleep {mark}");
        stuck = stuck with { Limit = TimeSpan.FromSeconds(1) };
        await run.RunAsync(new Group(stuck, SampleRun.Script("beside.sh", "true")), new Group(Good));
        Assert.Equal("2 passed, 1 failed", run.LastLine);
        Assert.Contains("FAILED stuck.sh\n    its limit of 1 s was reached\n    waiting", run.Output);
        Assert.False(SampleRun.IsRunning(mark), "a child of the script outlived it");
    }

    [Fact]
    public async Task What_a_script_leaves_running_is_told_and_ended()
    {
        using var run = new SampleRun();
        var mark = SampleRun.UniqueSeconds();
        // The second is a daemon: it has a session of its own.
        await run.RunAsync(new Group(SampleRun.Script("careless.sh", $"sleep {mark} & setsid --fork sleep {mark}")));
        Assert.Equal("1 passed, 0 failed", run.LastLine);
        // A shell's child is called as the shell until it becomes what it runs.
        Assert.Matches(@"careless\.sh left running, and the run ended: (\w+ \(\d+\)(, )?){2}", run.Output);
        Assert.False(SampleRun.IsRunning(mark), "a child of the script outlived it");
    }

    [Fact]
    public async Task The_first_of_a_group_has_the_CPU_when_it_wants_it()
    {
        using var run = new SampleRun();
        // Each session has a niceness of its own, where the kernel makes groups of them.
        const string tell = "nice; cat /proc/self/autogroup 2> /dev/null | sed 's/.*nice //'";
        var (first, beside) = (SampleRun.Script("first.sh", tell), SampleRun.Script("beside.sh", tell));
        await run.RunAsync(new Group(first, beside));
        // Among its own a process is as nice as its parent, and 10 less or more: ours may be that of a run in its turn.
        var own = int.Parse((await File.ReadAllTextAsync("/proc/self/stat")).Split(") ")[^1].Split(' ')[16], CultureInfo.InvariantCulture);
        foreach (var (item, nice) in new[] { (first, -10), (beside, 10) })
        {
            var told = run.LogOf(item).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal($"{Math.Clamp(own + nice, -20, 19)}", told[0]);
            Assert.All(told[1..], group => Assert.Equal($"{nice}", group));
        }
    }

    [Fact]
    public async Task What_needs_an_item_that_failed_is_not_started_and_all_its_tests_count()
    {
        using var run = new SampleRun();
        var canary = SampleRun.Sample("canary", nameof(Samples.Fails));
        var rest = SampleRun.Sample("rest", nameof(Samples.Passes), nameof(Samples.Has_rows)) with { Needs = ["canary"] };
        await run.RunAsync(new Group(canary), new Group(rest, SampleRun.Script("beside.sh", "true")), new Group(Good));
        Assert.Equal("2 passed, 4 failed", run.LastLine);
        foreach (var name in (string[])["Passes", "Has_rows(row: 1)", "Has_rows(row: 2)"])
            Assert.Contains($"FAILED rest: {Class}.{name}\n", run.Output);
        Assert.Single(run.Output.Split('\n'), "    not started: canary failed");
        Assert.EndsWith("\n  3 of rest: not started: canary failed\n\n2 passed, 4 failed", run.Output.TrimEnd());
        Assert.False(File.Exists(ItemRun.LogPath(rest, run.Folder)), "it was started");
    }

    [Fact]
    public async Task An_item_that_is_skipped_names_each_of_its_tests_with_the_reason()
    {
        using var run = new SampleRun();
        var skipped = SampleRun.Sample("skipped", nameof(Samples.Fails), nameof(Samples.Has_rows)) with { Skip = "for a reason" };
        await run.RunAsync(new Group(skipped, Good));
        Assert.Equal("1 passed, 0 failed, 3 skipped", run.LastLine);
        foreach (var name in (string[])["Fails", "Has_rows(row: 1)", "Has_rows(row: 2)"])
            Assert.Contains($"SKIPPED skipped: {Class}.{name}: for a reason\n", run.Output);
    }

    [Fact]
    public async Task After_the_run_s_limit_nothing_more_is_started_and_it_is_counted()
    {
        using var run = new SampleRun();
        var stuck = SampleRun.Script("stuck.sh", "sleep 600");
        await run.RunAsync(TimeSpan.FromSeconds(1), new Group(stuck), new Group(SampleRun.Sample("rest", nameof(Samples.Has_rows))));
        Assert.Equal("0 passed, 3 failed", run.LastLine);
        Assert.Contains("not started: the run's limit of 1 s was reached", run.Output);
    }

    [Fact]
    public async Task An_item_that_is_no_test_counts_only_if_it_fails()
    {
        using var run = new SampleRun();
        var made = SampleRun.Script("made", "true") with { IsTest = false };
        var unmade = SampleRun.Script("unmade", "echo no compiler; exit 3") with { IsTest = false };
        await run.RunAsync(new Group(made), new Group(unmade), new Group(Good with { Needs = ["unmade"] }));
        Assert.Equal("0 passed, 2 failed", run.LastLine);
        Assert.Contains("FAILED unmade\n    ended with exit code 3\n    no compiler\n", run.Output);
    }

    [Fact]
    public async Task Times_are_kept_by_stage_item_and_test()
    {
        using var run = new SampleRun();
        var report = await run.RunAsync(new Group(SampleRun.Sample("sample", nameof(Samples.Passes), nameof(Samples.Is_skipped))));
        var path = Path.Combine(run.Folder, "times.json");
        TimesFile.Write(path, DateTimeOffset.UnixEpoch, 12.5, report);
        using var times = JsonDocument.Parse(await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
        var root = times.RootElement;
        Assert.Equal([1, 0, 1], ((string[])["passed", "failed", "skipped"]).Select(name => root.GetProperty(name).GetInt32()));
        var stages = root.GetProperty("stages");
        Assert.Equal(["compile", "samples"], stages.EnumerateArray().Select(stage => stage.GetProperty("name").GetString()));
        Assert.True(root.GetProperty("seconds").GetDouble() > 12.5);
        var item = stages[1].GetProperty("items")[0];
        Assert.Equal(["sample", "passed"], ((string[])["name", "outcome"]).Select(name => item.GetProperty(name).GetString()));
        Assert.Equal(60, item.GetProperty("limitSeconds").GetInt32());
        Assert.Equal($"{Class}.Passes", Assert.Single(root.GetProperty("slowest").EnumerateArray()).GetProperty("test").GetString());
    }
}
