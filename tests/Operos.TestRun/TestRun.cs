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
        var told = new List<List<string>>();
        foreach (var item in group.Items)
        {
            var lines = new List<string>();
            told.Add(lines);
            if (WhyNotStarted(item) is { } reason)
            {
                results.Add(ItemRun.NotStartedAsync(item, reason, list: !stop.IsCancellationRequested));
                continue;
            }
            var isFirst = results.Count == 0;
            var run = new ItemRun(item, options.Results, isFirst ? Show : lines.Add);
            runs.Add(run);
            if (isFirst) Show($"\n== {item.Name}");
            // What looks at the clock stands first of its group: it has the CPU when it wants it.
            results.Add(run.RunAsync(isFirst ? 0 : item.IsProject ? 10 : 19, Shorter(item.Limit), stop));
        }
        await WaitAsync(Task.WhenAll(results), runs).ConfigureAwait(false);
        runs.ForEach(run => run.Dispose());
        for (var i = 0; i < results.Count; i++)
        {
            var result = await results[i].ConfigureAwait(false);
            if (i > 0) Show($"\n== {result.Item.Name} (beside {group.Items[0].Name})");
            told[i].ForEach(Show);
            Show(RunReport.Row(result));
            _results.Add(result);
        }
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
            Show($"  {_clock.Elapsed.TotalSeconds:0} s: {string.Join(", ", runs.SelectMany(Running))}");
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
