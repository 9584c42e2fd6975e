using Operos.Linux.Clock;

namespace Operos.Worker.Diagnosis;

/// <summary>Whether this machine's clock is kept.</summary>
/// <param name="Tracking">What chronyd says of it; null where it does not answer.</param>
/// <param name="Problem">Why it does not.</param>
internal sealed record ClockView(ClockTracking? Tracking, string? Problem)
{
    public static async Task<ClockView> AskAsync(CancellationToken cancellationToken)
    {
        try { return new ClockView(await ClockTracking.AskAsync(cancellationToken).ConfigureAwait(false), null); }
        catch (IOException e) { return new ClockView(null, e.Message); }
    }
}
