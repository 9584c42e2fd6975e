namespace Operos.TestRun.Tests;

/// <summary>Long lists go on where they were stopped.</summary>
public sealed class SoakTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("operos-soak-").FullName;

    [Fact]
    public async Task A_run_that_is_stopped_goes_on_and_tells_which_parts_failed()
    {
        var first = await RunAsync();
        Assert.Contains("part 0: passed; 1 of 500 done", first);
        Assert.Contains("part 1: FAILED; 2 of 500 done", first);
        Assert.Contains("FAILED list.sh 1\n    ended with exit code 1\n    part 1\n", first);
        Assert.Contains("1 failed: 1; logs: ", first);
        var done = (await File.ReadAllLinesAsync(Path.Combine(_folder, "state"), TestContext.Current.CancellationToken)).Length - 1;
        // As a run that loses its power would leave it.
        await File.AppendAllTextAsync(Path.Combine(_folder, "state"), "49", TestContext.Current.CancellationToken);
        var second = await RunAsync();
        Assert.StartsWith($"{done} of 500 parts were done before", second);
        Assert.Contains($"part {done}: passed; {done + 1} of 500 done", second);
        Assert.DoesNotContain("part 0: ", second);
        Assert.Equal(["list.sh.1.log", "state"], Directory.EnumerateFiles(_folder).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void What_was_done_with_other_programs_is_done_again()
    {
        var path = Path.Combine(_folder, "state");
        SoakState.Open(path, [AppContext.BaseDirectory]).Record(new SoakPart(0), passed: true);
        Assert.Equal(1, SoakState.Open(path, [AppContext.BaseDirectory]).Left.First().Number);
        var other = Directory.CreateDirectory(Path.Combine(_folder, "other")).FullName;
        File.WriteAllText(Path.Combine(other, "Operos.Other.dll"), "other");
        Assert.Equal(0, SoakState.Open(path, [other]).Left.First().Number);
    }

    [Fact]
    public void What_failed_is_done_again_after_the_rest()
    {
        var state = SoakState.Open(Path.Combine(_folder, "state"), []);
        state.Record(new SoakPart(0), passed: false);
        Assert.Equal([.. Enumerable.Range(1, 499), 0], state.Left.Select(part => part.Number));
    }

    [Fact]
    public void Parts_share_no_seed_and_commits_meet_most_parts()
    {
        var seeds = Enumerable.Range(0, SoakPart.Count).SelectMany(number => new SoakPart(number).Seeds(3)).ToList();
        Assert.Equal(Enumerable.Range(0, 3 * SoakPart.Count), seeds);
        var met = Enumerable.Range(0, 2000).Select(number => SoakPart.Of($"{number:x40}").Number).Distinct().Count();
        Assert.InRange(met, SoakPart.Count * 9 / 10, SoakPart.Count);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private async Task<string> RunAsync()
    {
        using var output = new StringWriter();
        var (stop, clock) = (TestContext.Current.CancellationToken, new PartClock());
        var run = new SoakRun(part =>
        {
            clock.Parts++;
            return new Group(List(part));
        }, _folder, TimeSpan.FromSeconds(4), output, clock, stop);
        Assert.False(await run.RunAsync());
        return output.ToString();
    }

    /// <summary>Each part takes a second, however busy this host is.</summary>
    private sealed class PartClock : TimeProvider
    {
        public int Parts { get; set; }

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Parts;
    }

    private static Item List(SoakPart part) => SampleRun.Script("list.sh", "echo part $OPEROS_SOAK; [[ $OPEROS_SOAK != 1 ]]") with
    {
        Environment = new Dictionary<string, string> { [SoakPart.Variable] = $"{part}" },
    };
}
