using System.Diagnostics;

namespace Operos.Lab;

/// <summary>Waits that end.</summary>
public static class Eventually
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(0.5);

    /// <summary>Asks until it holds.</summary>
    /// <exception cref="LabException">It did not in time; with what was waited for, for how long, and the last reason.</exception>
    public static async Task HoldsAsync(string what, TimeSpan within, Func<Task<bool>> ask, CancellationToken cancellationToken = default)
    {
        var clock = Stopwatch.StartNew();
        var last = "it does not hold";
        while (clock.Elapsed < within)
        {
            try { if (await ask().ConfigureAwait(false)) return; }
            catch (LabException e) { last = e.Message; }
            await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
        }
        throw new LabException($"not within {within.TotalSeconds:0} s: {what}: {last}");
    }
}
