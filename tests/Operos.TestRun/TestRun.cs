using System.Diagnostics;

namespace Operos.TestRun;

/// <summary>How a run goes on.</summary>
/// <param name="Results">The folder of logs and of <c>times.json</c>.</param>
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
        Directory.CreateDirectory(options.Results);
        var done = new List<StageResult>();
        foreach (var stage in stages)
        {
            var start = _clock.Elapsed;
            var results = new List<ItemResult>();
            foreach (var group in stage.Groups) results.AddRange(await RunAsync(group).ConfigureAwait(false));
            done.Add(new StageResult(stage.Name, (_clock.Elapsed - start).TotalSeconds, results));
        }
        return done;
    }

    private async Task<IReadOnlyList<ItemResult>> RunAsync(Group group)
    {
        var results = new ItemResult[group.Items.Count];
        var told = group.Items.Select(_ => new List<string>()).ToList();
        var runs = new List<Task>();
        var started = new List<ItemRun>();
        for (var i = 0; i < group.Items.Count; i++)
        {
            var (number, item) = (i, group.Items[i]);
            // What looks at the clock stands first of its group: it has the CPU when it wants it.
            var nice = i == 0 ? 0 : item.IsProject ? 10 : 19;
            if (WhyNotStarted(item) is { } reason)
            {
                results[i] = await ItemRun.NotStartedAsync(item, reason, list: !stop.IsCancellationRequested).ConfigureAwait(false);
                continue;
            }
            var run = new ItemRun(item, options.Results, i == 0 ? Show : told[i].Add);
            started.Add(run);
            if (i == 0) Show($"\n== {item.Name}");
            runs.Add(Task.Run(async () => results[number] = await run.RunAsync(nice, Shorter(item.Limit), stop).ConfigureAwait(false)));
        }
        await WaitAsync(Task.WhenAll(runs), started).ConfigureAwait(false);
        started.ForEach(run => run.Dispose());
        for (var i = 0; i < results.Length; i++)
        {
            if (results[i].Seconds == 0 && results[i].Outcome.StartsWith("not started", StringComparison.Ordinal)) Show($"\n== {group.Items[i].Name}: {results[i].Outcome}");
            else if (i > 0) Show($"\n== {group.Items[i].Name} (beside {group.Items[0].Name})");
            foreach (var line in told[i]) Show(line);
            Show(RunReport.Row(results[i]));
        }
        _results.AddRange(results);
        return results;
    }

    private string? WhyNotStarted(Item item)
    {
        if (stop.IsCancellationRequested) return "the run was stopped";
        if (_clock.Elapsed >= options.Limit) return $"the run's limit of {ItemRun.Seconds(options.Limit)} was reached";
        return _results.Where(result => result.HasFailed && item.Needs.Contains(result.Item.Name)).Select(result => $"{result.Item.Name} failed").FirstOrDefault();
    }

    private TimeSpan Shorter(TimeSpan limit) => limit < options.Limit - _clock.Elapsed ? limit : options.Limit - _clock.Elapsed;

    private async Task WaitAsync(Task runs, List<ItemRun> started)
    {
        while (await Task.WhenAny(runs, Task.Delay(TimeSpan.FromSeconds(5), CancellationToken.None)).ConfigureAwait(false) != runs)
        {
            if (Stopwatch.GetElapsedTime(Interlocked.Read(ref _shown)) < Silence) continue;
            var running = started.SelectMany(run => run.InFlight.Take(3).Select(test => $"{test.Name} ({test.Seconds:0} s)").DefaultIfEmpty(run.Item.Name));
            Show($"  {_clock.Elapsed.TotalSeconds:0} s: running {string.Join(", ", running)}");
        }
        await runs.ConfigureAwait(false);
    }

    private void Show(string line)
    {
        lock (_lock) output.WriteLine(line);
        Interlocked.Exchange(ref _shown, Stopwatch.GetTimestamp());
    }
}

internal sealed record StageResult(string Name, double Seconds, IReadOnlyList<ItemResult> Items);
