namespace Operos.Node;

/// <summary>Tasks that live and end together.</summary>
internal static class TaskGroup
{
    /// <summary>Runs all; the first that ends, however it ends, cancels the rest, which are awaited.</summary>
    public static async Task RunAsync(CancellationToken cancellationToken, params IReadOnlyList<Func<CancellationToken, Task>> works)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var tasks = works.Select(work => work(ended.Token)).ToList();
        var first = await Task.WhenAny(tasks).ConfigureAwait(false);
        await ended.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(tasks).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await first.ConfigureAwait(false);
    }
}
