using System.Diagnostics;
using System.Text.Json;

namespace Operos.TestRun;

/// <summary>Runs one item to its end or to its limit. Everything it prints goes into its log.</summary>
/// <param name="results">The folder of logs.</param>
/// <param name="show">Gets what a person wants to see of it, line by line.</param>
internal sealed class ItemRun(Item item, string results, Action<string> show) : IDisposable
{
    /// <summary>A passed test that took more seconds is shown while the others run: so is seen that something goes on.</summary>
    private const double WorthShowing = 5;

    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(10);
    /// <summary>Whoever stops the run waits for it.</summary>
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(3);

    private readonly TestLedger _ledger = new();
    private readonly Lock _lock = new();
    private readonly Queue<string> _last = new();
    private readonly StreamWriter _log = new(LogPath(item, results)) { AutoFlush = true };

    public Item Item => item;

    /// <summary>Until its process has ended and its tests are judged.</summary>
    public bool IsRunning { get; private set; } = true;

    /// <summary>The tests that are running, each with its seconds.</summary>
    public IReadOnlyList<(string Name, double Seconds)> InFlight => _ledger.InFlight;

    public static string LogPath(Item item, string results) => Path.Combine(results, item.FileName + ".log");

    public static string InWords(TimeSpan time) =>
        time < TimeSpan.FromMinutes(2) ? $"{time.TotalSeconds:0.#} s" : $"{time.TotalMinutes:0.#} min";

    /// <summary>The result of an item that is not run: all the tests that it has.</summary>
    /// <param name="list">Whether to ask it for their names; otherwise it counts as one.</param>
    public static async Task<ItemResult> NotStartedAsync(Item item, string reason, bool list)
    {
        var names = item.IsProject && list ? await ListAsync(item).ConfigureAwait(false) : [item.Name];
        return new ItemResult(item, 0, $"not started: {reason}", [.. names.Select(name => TestResult.NotStarted(name, reason))]);
    }

    /// <summary>The result of an item that is skipped.</summary>
    public static async Task<ItemResult> SkippedAsync(Item item, string reason)
    {
        var names = item.IsProject ? await ListAsync(item).ConfigureAwait(false) : [item.Name];
        return new ItemResult(item, 0, "skipped", [.. names.Select(name => TestResult.Skipped(name, reason))]);
    }

    /// <param name="limit">At most the item's own.</param>
    /// <param name="stop">Ends the item, without telling what hangs.</param>
    public async Task<ItemResult> RunAsync(int nice, TimeSpan limit, CancellationToken stop)
    {
        var clock = Stopwatch.StartNew();
        var xml = Path.Combine(results, item.FileName + ".xml");
        string[] report = item.IsProject ? [.. item.Filter, "-noColor", "-reporter", "json", "-result-xml", xml] : [];
        using var group = ProcessGroup.Start([.. item.Command, .. report], nice, item.Environment, Take);
        string? cut = null;
        IReadOnlyList<(string Name, double Seconds)> hanging = [];
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stop);
        deadline.CancelAfter(limit);
        try { await group.WaitAsync(deadline.Token).ConfigureAwait(false); }
        catch (OperationCanceledException)
        {
            hanging = _ledger.InFlight;
            cut = stop.IsCancellationRequested ? "the run was stopped" : $"its limit of {InWords(limit)} was reached";
            if (stop.IsCancellationRequested) await CancelTestsAsync(group, "INT", StopPatience).ConfigureAwait(false);
            else await TellStateAsync(group, cut).ConfigureAwait(false);
        }
        var others = await group.EndAsync(stop.IsCancellationRequested ? StopPatience : EndPatience).ConfigureAwait(false);
        if (cut is null && others.Count > 0) Print($"{item.Name} left running, and the run ended: {string.Join(", ", others)}");
        // Who stopped the run does not wait for lists.
        var tests = cut is null
            ? await JudgeAsync(group.ExitCode).ConfigureAwait(false)
            : await UnfinishedAsync(cut, hanging, list: !stop.IsCancellationRequested).ConfigureAwait(false);
        IsRunning = false;
        var outcome = cut ?? (tests.Any(test => test.Outcome == TestOutcome.Failed) ? "failed" : "passed");
        return new ItemResult(item, clock.Elapsed.TotalSeconds, outcome, tests);
    }

    public void Dispose() => _log.Dispose();

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
            _ => $"  FAILED  {result.Seconds,7:0.00} s  {result.Name}\n    {result.Text.Replace("\n", "\n    ", StringComparison.Ordinal)}",
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
            if (_last.Count > 6) _last.Dequeue();
        }
    }

    /// <summary>What hangs is told before it is ended: the tests in flight, each thread's stack, and what async methods wait for.</summary>
    private async Task TellStateAsync(ProcessGroup group, string cut)
    {
        Print($"{item.Name}: {cut}; its log: {LogPath(item, results)}");
        foreach (var (name, seconds) in _ledger.InFlight) Print($"  unfinished after {seconds:0} s: {name}");
        foreach (var line in item.IsProject ? await ThreadStacks.ReadAsync(group.Id).ConfigureAwait(false) : []) Log(line);
        await CancelTestsAsync(group, "QUIT", TimeSpan.FromSeconds(5)).ConfigureAwait(false);
    }

    /// <summary>Told of a SIGINT or SIGQUIT, xUnit.net cancels its tests: those that listen take away what they made.</summary>
    private async Task CancelTestsAsync(ProcessGroup group, string signal, TimeSpan patience)
    {
        // Scripts take theirs away when they are told of SIGTERM, which comes next.
        if (!item.IsProject) return;
        await group.SignalLeaderAsync(signal).ConfigureAwait(false);
        var ended = group.WaitAsync(CancellationToken.None);
        await ended.WaitAsync(patience, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task<IReadOnlyList<TestResult>> JudgeAsync(int status)
    {
        var ended = $"ended with exit code {status}";
        if (!item.IsProject) return [status == 0 ? new TestResult(item.Name, 0, TestOutcome.Passed) : Whole(ended)];
        if (!_ledger.IsComplete)
        {
            var why = $"its process {ended} before its tests were done";
            return await UnfinishedAsync(why, _ledger.InFlight, list: true).ConfigureAwait(false);
        }
        var tests = _ledger.Results;
        if (tests.Count == 0) return [Whole("it ran no test")];
        var unexplained = status != 0 && tests.All(test => test.Outcome != TestOutcome.Failed);
        return unexplained ? [.. tests, Whole($"{ended}, though no test failed")] : tests;
    }

    /// <summary>The results that there are; and whatever had not ended, as failed.</summary>
    /// <param name="hanging">The tests that were running before they were cancelled: what became of them then tells nothing.</param>
    private async Task<IReadOnlyList<TestResult>> UnfinishedAsync(
        string why, IReadOnlyList<(string Name, double Seconds)> hanging, bool list)
    {
        if (!item.IsProject) return [Whole(why)];
        var unfinished = hanging.Select(test => new TestResult(test.Name, test.Seconds, TestOutcome.Failed, $"unfinished: {why}"));
        var others = _ledger.Results.Where(test => hanging.All(hung => hung.Name != test.Name));
        List<TestResult> tests = [.. others, .. hanging.Count > 0 ? unfinished : [Whole(why)]];
        var begun = tests.Select(test => Method(test.Name)).ToHashSet();
        var names = list ? await ListAsync(item).ConfigureAwait(false) : [];
        return [.. tests, .. names.Where(name => !begun.Contains(Method(name))).Select(name => TestResult.NotStarted(name, why))];
    }

    private TestResult Whole(string why)
    {
        lock (_lock) return new TestResult(item.Name, 0, TestOutcome.Failed, string.Join('\n', [why, .. _last]));
    }

    /// <summary>Rows of a theory have its method in common; before they run they may be called by other words.</summary>
    private static string Method(string name) => name.Split('(')[0];

    /// <returns>The names of its tests; its own if it does not tell.</returns>
    private static async Task<IReadOnlyList<string>> ListAsync(Item item)
    {
        var lines = new List<string>();
        string[] list = [.. item.Command, .. item.Filter, "-noColor", "-preEnumerateTheories", "-list", "tests/json"];
        using var group = ProcessGroup.Start(list, 0, item.Environment, lines.Add);
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        try { await group.WaitAsync(deadline.Token).ConfigureAwait(false); }
        catch (OperationCanceledException) { /* then there is no list */ }
        await group.EndAsync(TimeSpan.FromSeconds(1)).ConfigureAwait(false);
        foreach (var line in lines.Where(line => line.StartsWith('[')))
        {
            try { if (JsonSerializer.Deserialize<List<string>>(line) is { Count: > 0 } names) return names; }
            catch (JsonException) { /* a word of something else */ }
        }
        return [item.Name];
    }
}
