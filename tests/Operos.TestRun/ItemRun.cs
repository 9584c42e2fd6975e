using System.Diagnostics;
using System.Text.Json;

namespace Operos.TestRun;

/// <summary>Runs one item to its end or to its limit. Everything it prints goes into its log.</summary>
/// <param name="results">The folder of logs.</param>
/// <param name="show">Gets what a person wants to see of it, line by line.</param>
internal sealed class ItemRun(Item item, string results, Action<string> show) : IDisposable
{
    /// <summary>A passed test that took longer is shown while it runs: so is seen that something goes on.</summary>
    private const double WorthShowing = 5;
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(10);
    /// <summary>Whoever stops the run waits for it.</summary>
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(3);
    private readonly TestLedger _ledger = new();
    private readonly Lock _lock = new();
    private readonly Queue<string> _last = new();
    private readonly StreamWriter _log = new(LogPath(item, results)) { AutoFlush = true };

    public Item Item => item;

    public IReadOnlyList<(string Name, double Seconds)> InFlight => _ledger.InFlight;

    public static string LogPath(Item item, string results) => Path.Combine(results, item.FileName + ".log");

    /// <param name="limit">At most the item's own.</param>
    /// <param name="stop">Ends the item as its limit would.</param>
    public async Task<ItemResult> RunAsync(int nice, TimeSpan limit, CancellationToken stop)
    {
        var clock = Stopwatch.StartNew();
        string? cut = null;
        int? status = null;
        using (var group = ProcessGroup.Start(Command("-noColor", "-reporter", "json", "-result-xml", Path.Combine(results, item.FileName + ".xml")), nice, new Dictionary<string, string>(), Take))
        {
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stop);
            deadline.CancelAfter(limit);
            try
            {
                await group.WaitAsync(deadline.Token).ConfigureAwait(false);
                status = group.ExitCode;
            }
            catch (OperationCanceledException)
            {
                cut = stop.IsCancellationRequested ? "the run was stopped" : $"its limit of {Seconds(limit)} was reached";
                if (stop.IsCancellationRequested) await CancelAsync(group, "INT", StopPatience).ConfigureAwait(false);
                else await TellStateAsync(group, cut).ConfigureAwait(false);
            }
            var others = await group.EndAsync(stop.IsCancellationRequested ? StopPatience : EndPatience).ConfigureAwait(false);
            if (cut is null && others.Count > 0) Print($"{item.Name} left running, and the run ended: {string.Join(", ", others)}");
        }
        var tests = await JudgeAsync(status, cut, stop.IsCancellationRequested).ConfigureAwait(false);
        var outcome = cut ?? (tests.Any(test => test.Outcome == TestOutcome.Failed) ? "failed" : "passed");
        return new ItemResult(item, clock.Elapsed.TotalSeconds, outcome, tests);
    }

    /// <summary>The tests that it has, none of them run.</summary>
    /// <param name="list">Whether to ask it for their names; otherwise it is one.</param>
    public static async Task<ItemResult> NotStartedAsync(Item item, string reason, bool list)
    {
        var names = item.IsProject && list ? await ListAsync(item).ConfigureAwait(false) : [item.Name];
        return new ItemResult(item, 0, $"not started: {reason}", [.. names.Select(name => new TestResult(name, 0, TestOutcome.Failed, $"not started: {reason}"))]);
    }

    public static string Seconds(TimeSpan time) => time < TimeSpan.FromMinutes(2) ? $"{time.TotalSeconds:0.#} s" : $"{time.TotalMinutes:0.#} min";

    public void Dispose() => _log.Dispose();

    private List<string> Command(params IReadOnlyList<string> more) => item.IsProject ? [.. item.Command, .. item.Filter, .. more] : [.. item.Command];

    private void Take(string line)
    {
        if (!item.IsProject)
        {
            Print(line);
            return;
        }
        var (result, output) = _ledger.Read(line);
        if (output is not null) Print(output);
        if (result is null) return;
        var text = result.Outcome switch
        {
            TestOutcome.Passed => $"  passed  {result.Seconds,7:0.00} s  {result.Name}",
            TestOutcome.Skipped => $"  skipped            {result.Name}: {result.Text}",
            _ => $"  FAILED  {result.Seconds,7:0.00} s  {result.Name}\n{Indent(result.Text)}",
        };
        if (result.Outcome != TestOutcome.Passed || result.Seconds >= WorthShowing) Print(text);
        else Log(text);
    }

    private void Print(string text)
    {
        Log(text);
        show(text);
    }

    private void Log(string text)
    {
        lock (_lock)
        {
            _log.WriteLine(text);
            _last.Enqueue(text);
            if (_last.Count > 12) _last.Dequeue();
        }
    }

    /// <summary>What hangs is told before it is ended: the tests in flight, each thread's stack, and what async methods wait for.</summary>
    private async Task TellStateAsync(ProcessGroup group, string cut)
    {
        Print($"{item.Name}: {cut}; its log: {LogPath(item, results)}");
        foreach (var (name, seconds) in _ledger.InFlight) Print($"  unfinished after {seconds:0} s: {name}");
        foreach (var line in item.IsProject ? await ThreadStacks.ReadAsync(group.Id).ConfigureAwait(false) : []) Log(line);
        await CancelAsync(group, "QUIT", TimeSpan.FromSeconds(5)).ConfigureAwait(false);
    }

    /// <summary>Told of a SIGINT or SIGQUIT, xUnit.net cancels its tests: those that listen take away what they made.</summary>
    private async Task CancelAsync(ProcessGroup group, string signal, TimeSpan patience)
    {
        // Scripts take theirs away when they are told of SIGTERM, which comes next.
        if (!item.IsProject) return;
        await group.SignalLeaderAsync(signal).ConfigureAwait(false);
        await group.WaitAsync(CancellationToken.None).WaitAsync(patience, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task<IReadOnlyList<TestResult>> JudgeAsync(int? status, string? cut, bool stopped)
    {
        if (!item.IsProject) return status == 0 ? [new TestResult(item.Name, 0, TestOutcome.Passed)] : [Whole(cut ?? $"ended with exit code {status}")];
        var tests = _ledger.Results.ToList();
        var ended = cut ?? (_ledger.IsComplete ? null : $"its process ended before its tests did, with exit code {status}");
        if (ended is not null)
        {
            var unfinished = _ledger.InFlight.Select(test => new TestResult(test.Name, test.Seconds, TestOutcome.Failed, $"unfinished: {ended}")).ToList();
            var begun = tests.Concat(unfinished).Select(test => Method(test.Name)).ToHashSet();
            tests.AddRange(unfinished);
            // Who stopped the run does not wait for a list.
            tests.AddRange((stopped ? [] : await ListAsync(item).ConfigureAwait(false)).Where(name => !begun.Contains(Method(name))).Select(name => new TestResult(name, 0, TestOutcome.Failed, $"not started: {ended}")));
            if (unfinished.Count == 0) tests.Add(Whole(ended));
        }
        else if (tests.Count == 0) tests.Add(Whole("it ran no test"));
        else if (status != 0 && tests.All(test => test.Outcome != TestOutcome.Failed)) tests.Add(Whole($"ended with exit code {status}, though no test failed"));
        return tests;
    }

    private TestResult Whole(string why)
    {
        lock (_lock) return new TestResult(item.Name, 0, TestOutcome.Failed, string.Join('\n', [why, .. _last.TakeLast(6)]));
    }

    /// <summary>A theory's rows have one method; its rows are not known by the same words before they run.</summary>
    private static string Method(string name) => name.Split('(')[0];

    private static async Task<IReadOnlyList<string>> ListAsync(Item item)
    {
        var lines = new List<string>();
        using var group = ProcessGroup.Start([.. item.Command, .. item.Filter, "-noColor", "-preEnumerateTheories", "-list", "tests/json"], 0, new Dictionary<string, string>(), lines.Add);
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        try { await group.WaitAsync(deadline.Token).ConfigureAwait(false); }
        catch (OperationCanceledException) { /* what it told so far is read below */ }
        await group.EndAsync(TimeSpan.FromSeconds(1)).ConfigureAwait(false);
        foreach (var line in lines.Where(line => line.StartsWith('[')))
        {
            try { if (JsonSerializer.Deserialize<List<string>>(line) is { Count: > 0 } names) return names; }
            catch (JsonException) { /* a word of something else */ }
        }
        return [item.Name];
    }

    private static string Indent(string text) => "    " + text.Replace("\n", "\n    ", StringComparison.Ordinal);
}
