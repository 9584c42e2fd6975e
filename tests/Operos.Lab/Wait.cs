using System.Diagnostics;

namespace Operos.Lab;

/// <summary>A wait that ends: for what, for how long at most, and what a failure shows.</summary>
public sealed record Wait(string What, TimeSpan Within)
{
    /// <summary>A look that is under way at the end may still bring the answer; one that hangs does not hang the wait.</summary>
    internal TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Between two looks.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>What takes long is looked at less often: the pause grows with an eighth of the time, up to this.</summary>
    public TimeSpan LongestPause { get; init; }

    /// <summary>A look that fails was too early, and is the reason told at the end. Without this its failure ends the wait.</summary>
    public bool LooksAgain { get; init; }

    /// <summary>Files whose ends a failure shows.</summary>
    public IReadOnlyList<string> Logs { get; init; } = [];

    /// <summary>The answer, once there is one.</summary>
    /// <exception cref="LabException">There was none in time.</exception>
    public static Task<T> ForAsync<T>(string what, TimeSpan within, Func<Task<T?>> look, params string[] logs) where T : class =>
        new Wait(what, within) { Logs = logs }.ForAsync(look);

    /// <summary>Looks until it holds.</summary>
    /// <exception cref="LabException">It did not in time.</exception>
    public static Task UntilAsync(string what, TimeSpan within, Func<Task<bool>> holds, params string[] logs) =>
        new Wait(what, within) { Logs = logs }.UntilAsync(holds);

    /// <summary>Looks until it holds.</summary>
    /// <exception cref="LabException">It did not in time; with what was waited for, the last reason and the ends of the logs.</exception>
    public Task UntilAsync(Func<Task<bool>> holds, CancellationToken cancellationToken = default) =>
        ForAsync(async () => await holds().ConfigureAwait(false) ? "" : null, cancellationToken);

    /// <summary>Looks until there is an answer.</summary>
    /// <exception cref="LabException">None in time; with what was waited for, the last reason and the ends of the logs.</exception>
    public async Task<T> ForAsync<T>(Func<Task<T?>> look, CancellationToken cancellationToken = default) where T : class
    {
        var (clock, last) = (Stopwatch.StartNew(), "");
        while (true)
        {
            Task<T?>? looking = null;
            try
            {
                looking = look();
                var longest = Longest(Within - clock.Elapsed + Grace);
                if (await looking.WaitAsync(longest, cancellationToken).ConfigureAwait(false) is { } answer) return answer;
            }
            catch (LabException e) when (LooksAgain) { last = e.Message; }
            catch (TimeoutException) when (looking is { IsCompleted: false })
            {
                throw Failed($"a look at it has not ended {Grace.TotalSeconds:0} s later");
            }
            var pause = TimeSpan.FromTicks(Math.Max(Pause.Ticks, Math.Min(clock.Elapsed.Ticks / 8, LongestPause.Ticks)));
            if (clock.Elapsed + pause > Within) throw Failed(last);
            await Task.Delay(pause, cancellationToken).ConfigureAwait(false);
        }
    }

    private LabException Failed(string last)
    {
        var reason = last.Length > 0 ? $"; last: {last}" : "";
        var logs = Logs.Select(log => $"\n== end of {log}\n{Tail(log)}");
        return new LabException($"{What}: not within {Math.Max(Within.TotalSeconds, 0):0} s{reason}{string.Concat(logs)}");
    }

    /// <summary>Timers take no more.</summary>
    private static TimeSpan Longest(TimeSpan time) => TimeSpan.FromTicks(Math.Clamp(time.Ticks, 0, TimeSpan.FromDays(20).Ticks));

    private static string Tail(string log)
    {
        if (!File.Exists(log)) return "missing";
        try { return string.Join('\n', File.ReadLines(log).TakeLast(20)); }
        catch (IOException e) { return e.Message; }
    }
}
