namespace Operos.Controller.Cluster;

/// <summary>How a machine is drained.</summary>
/// <param name="Time">How long its pods may take to leave.</param>
/// <param name="Force">Whether pods that stay, or an API server that is away, are no obstacle.</param>
/// <param name="Hint">What an operator does where pods stay.</param>
internal sealed record DrainLimits(TimeSpan Time, bool Force, string Hint)
{
    private static readonly TimeSpan Default = TimeSpan.FromSeconds(60), Longest = TimeSpan.FromHours(1);

    /// <summary>The time that was asked for, in seconds, within bounds; the default for none.</summary>
    public static TimeSpan TimeOf(int seconds) =>
        seconds <= 0 ? Default : TimeSpan.FromSeconds(Math.Min(seconds, Longest.TotalSeconds));
}
