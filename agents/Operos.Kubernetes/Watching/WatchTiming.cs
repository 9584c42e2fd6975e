namespace Operos.Kubernetes.Watching;

/// <summary>How patient a cache is, and how it spreads what many caches do at the same moment.</summary>
public sealed record WatchTiming
{
    /// <summary>How long the server is asked to keep a watch open; between the two, at random.</summary>
    public TimeSpan ShortestWatch { get; init; } = TimeSpan.FromSeconds(240);
    /// <inheritdoc cref="ShortestWatch"/>
    public TimeSpan LongestWatch { get; init; } = TimeSpan.FromSeconds(480);

    /// <summary>A watch that the server has not ended this much later is silent, and is given up.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a list or a page of it may take.</summary>
    public TimeSpan List { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Between two attempts, doubling, each shortened or lengthened by up to a half.</summary>
    public TimeSpan ShortestPause { get; init; } = TimeSpan.FromMilliseconds(500);
    /// <inheritdoc cref="ShortestPause"/>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// A list that is not the first waits up to this long, at random: a server that starts again loses all its watchers at once.
    /// </summary>
    public TimeSpan Spread { get; init; } = TimeSpan.FromSeconds(1);
    /// <summary>And up to this much longer for each MiB that the list before it had.</summary>
    public TimeSpan SpreadPerMebibyte { get; init; } = TimeSpan.FromSeconds(1);
    /// <summary>But no longer than this.</summary>
    public TimeSpan LongestSpread { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Changes that follow each other within this time are told together.</summary>
    public TimeSpan Settle { get; init; } = TimeSpan.FromMilliseconds(50);

    internal TimeSpan SpreadOf(long bytes)
    {
        var longest = Spread + SpreadPerMebibyte * (bytes / 1048576.0);
        return (longest < LongestSpread ? longest : LongestSpread) * Random.Shared.NextDouble();
    }
}
