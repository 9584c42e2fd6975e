using System.Diagnostics;

namespace Operos.TestRun;

/// <summary>How a run goes on.</summary>
/// <param name="Results">The folder of logs; it is there.</param>
/// <param name="Limit">Of all stages together.</param>
internal sealed record RunOptions(string Results, TimeSpan Limit);

/// <summary>Runs stages one after the other, and what stands in a group beside each other.</summary>
internal sealed class TestRun(RunOptions options, TextWriter output, CancellationToken stop)
{
    /// <summary>Nobody looks at silence for longer.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Niceness. What looks at the clock stands first of its group: it has the CPU when it wants it. What stands beside it is the equal of
    /// whatever else this host does, and does not starve there.
    /// </summary>
    private const int First = -10, Beside = 0, ScriptBeside = 10;

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly List<ItemResult> _results = [];
    private readonly Lock _lock = new();
    private long _shown = Stopwatch.GetTimestamp();

    /// <returns>The results in the order of the stages.</returns>
    public async Task<IReadOnlyList<StageResult>> RunAsync(IReadOnlyList<Stage> stages)
    {
        var done = new List<StageResult>();
        foreach (var stage in stages)
        {
            var (start, first) = (_clock.Elapsed, _results.Count);
            foreach (var group in stage.Groups) await RunAsync(group).ConfigureAwait(false);
            done.Add(new StageResult(stage.Name, (_clock.Elapsed - start).TotalSeconds, _results[first..]));
        }
        return done;
    }

    private async Task RunAsync(Group group)
    {
        var runs = new List<ItemRun>();
        var results = new List<Task<ItemResult>>();
        Show($"\n== {string.Join(", ", group.Items.Select(item => item.Name))}");
        foreach (var item in group.Items)
        {
            // A test says by its name whose it is; the lines of two scripts would mix.
            var held = new List<string>();
            var isHeld = !item.IsProject && results.Count > 0;
            var run = WhyNotStarted(item) is { } reason ? ItemRun.NotStartedAsync(item, reason, list: !stop.IsCancellationRequested)
                : item.Skip is { } why ? ItemRun.SkippedAsync(item, why)
                : StartAsync(item, isHeld ? held.Add : Show, isFirst: runs.Count == 0, runs);
            results.Add(EndAsync(run, held));
        }
        await WaitAsync(Task.WhenAll(results), runs).ConfigureAwait(false);
        runs.ForEach(run => run.Dispose());
        foreach (var result in results) _results.Add(await result.ConfigureAwait(false));
    }

    private Task<ItemResult> StartAsync(Item item, Action<string> show, bool isFirst, List<ItemRun> runs)
    {
        var run = new ItemRun(item, options.Results, show);
        runs.Add(run);
        return run.RunAsync(isFirst ? First : item.IsProject ? Beside : ScriptBeside, Shorter(item.Limit), stop);
    }

    private async Task<ItemResult> EndAsync(Task<ItemResult> run, List<string> held)
    {
        var result = await run.ConfigureAwait(false);
        Show(string.Join('\n', [.. held, RunReport.Row(result)]));
        return result;
    }

    private string? WhyNotStarted(Item item)
    {
        if (stop.IsCancellationRequested) return "the run was stopped";
        if (_clock.Elapsed >= options.Limit) return $"the run's limit of {ItemRun.InWords(options.Limit)} was reached";
        return _results.Where(result => result.HasFailed && item.Needs.Contains(result.Item.Name))
            .Select(result => $"{result.Item.Name} failed").FirstOrDefault();
    }

    /// <summary>An item's limit, or what is left of the run's; the run's may pass at any moment.</summary>
    private TimeSpan Shorter(TimeSpan limit) =>
        TimeSpan.FromTicks(Math.Clamp((options.Limit - _clock.Elapsed).Ticks, TimeSpan.FromSeconds(1).Ticks, limit.Ticks));

    private async Task WaitAsync(Task results, List<ItemRun> runs)
    {
        while (await Task.WhenAny(results, Task.Delay(TimeSpan.FromSeconds(5), CancellationToken.None)).ConfigureAwait(false) != results)
        {
            if (Stopwatch.GetElapsedTime(Interlocked.Read(ref _shown)) < Silence) continue;
            Show($"  {_clock.Elapsed.TotalSeconds:0} s: {string.Join(", ", runs.Where(run => run.IsRunning).SelectMany(Running))}");
        }
        await results.ConfigureAwait(false);
    }

    private static IEnumerable<string> Running(ItemRun run) =>
        run.InFlight.Take(3).Select(test => $"{test.Name} ({test.Seconds:0} s)").DefaultIfEmpty(run.Item.Name);

    private void Show(string line)
    {
        lock (_lock) output.WriteLine(line);
        Interlocked.Exchange(ref _shown, Stopwatch.GetTimestamp());
    }
}
