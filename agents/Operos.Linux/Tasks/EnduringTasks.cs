using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Operos.Linux.Tasks;

/// <summary>
/// Parts of an agent which the others can do without: one that ends, or cannot begin, is told, and begins again after a pause that doubles.
/// </summary>
public sealed class EnduringTasks(TimeProvider time, ILogger logger)
{
    /// <summary>One that goes on for so long again is well.</summary>
    internal static readonly TimeSpan WellAfter = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1), LongestPause = TimeSpan.FromSeconds(30);

    /// <param name="Began">When it began again; null while it waits for that.</param>
    private sealed record Failure(string Text, DateTimeOffset Since, long? Began);

    private readonly ConcurrentDictionary<string, Failure> failures = new(StringComparer.Ordinal);

    /// <summary>What does not work now, why, and since when.</summary>
    public IReadOnlyList<(string Name, string Text, DateTimeOffset Since)> Failing =>
        [.. failures.Where(part => Fails(part.Value)).OrderBy(part => part.Key, StringComparer.Ordinal)
            .Select(part => (part.Key, part.Value.Text, part.Value.Since))];

    /// <summary>The part as one of a group, which it never ends.</summary>
    public SupervisedTask Of(string name, Func<CancellationToken, Task> run) => new(name, token => RunAsync(name, run, token));

    /// <summary>Tells of a part that cannot even be made; it is made when the agent starts anew.</summary>
    public void CannotBeMade(string name, Exception reason)
    {
        failures[name] = new($"{reason.Message}; it is tried again when the agent starts anew", time.GetUtcNow(), null);
        logger.PartCannotBeMade(reason, name, reason.Message);
    }

    private async Task RunAsync(string name, Func<CancellationToken, Task> run, CancellationToken cancellationToken)
    {
        for (var pause = FirstPause; ;)
        {
            var began = time.GetTimestamp();
            var reason = await EndAsync(run, cancellationToken).ConfigureAwait(false);
            if (time.GetElapsedTime(began) > WellAfter) pause = FirstPause;
            var since = failures.TryGetValue(name, out var before) && Fails(before) ? before.Since : time.GetUtcNow();
            failures[name] = new(reason.Message, since, null);
            logger.PartFailed(reason, name, reason.Message, pause.TotalSeconds);
            await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            failures[name] = failures[name] with { Began = time.GetTimestamp() };
        }
    }

    private static async Task<Exception> EndAsync(Func<CancellationToken, Task> run, CancellationToken cancellationToken)
    {
        try { await run(cancellationToken).ConfigureAwait(false); }
        // Beside one that runs still, another would be in its way: that ends the agent.
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && e is not TaskGroupException { LeavesSomeBehind: true })
        {
            return e;
        }
        cancellationToken.ThrowIfCancellationRequested();
        return new TaskEndedException("ended, though nobody told it to");
    }

    private bool Fails(Failure failure) => failure.Began is not { } began || time.GetElapsedTime(began) < WellAfter;
}
