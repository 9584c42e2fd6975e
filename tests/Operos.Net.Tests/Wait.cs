using System.Diagnostics;
using Operos.Lab;

namespace Operos.Net.Tests;

/// <summary>Waits for what daemons do in their own time.</summary>
internal static class Wait
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    /// <summary>Polls until an answer is there; a failure says what was waited for and shows the ends of the logs.</summary>
    /// <returns>The answer and how long it took.</returns>
    public static async Task<T> ForAsync<T>(string what, TimeSpan patience, Func<Task<T?>> poll, params string[] logs) where T : class
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < patience)
        {
            if (await poll() is { } answer) return answer;
            await Task.Delay(Interval);
        }
        throw new LabException($"{what}: not in {patience.TotalSeconds:0} s\n" + string.Join('\n', logs.Select(log => $"== end of {log}\n{Tail(log)}")));
    }

    public static async Task UntilAsync(string what, TimeSpan patience, Func<Task<bool>> poll, params string[] logs) =>
        await ForAsync(what, patience, async () => await poll() ? "" : null, logs);

    private static string Tail(string log) => File.Exists(log) ? string.Join('\n', File.ReadLines(log).TakeLast(20)) : "missing";
}
