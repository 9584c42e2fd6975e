using Microsoft.Extensions.Logging;

namespace Operos.Names;

/// <summary>
/// Looks whether knotd serves each of our zones: one whose file it could not load is refused to all who ask, while it answers for the
/// others.
/// </summary>
internal sealed class ZoneWatch(ZonePlan plan, ZoneSerial serials, TimeProvider time, ILogger logger)
{
    /// <summary>One that starts, or reads its zones anew, serves them some seconds later.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10), BeforeRestart = TimeSpan.FromSeconds(60),
        LongestPause = TimeSpan.FromMinutes(30);

    private sealed record Missing(string Zone, DateTimeOffset Since, DateTimeOffset Asked)
    {
        public string Text =>
            $"does not serve the zone {Zone}, nobody gets a name of it: journalctl -u {AuthoritativeServer.Unit} says why";
    }

    private volatile Missing? missing;
    private bool told;
    private TimeSpan pause = BeforeRestart;

    /// <summary>What is said of a zone that is not served, and since when it is not; null while all are.</summary>
    public (string Text, DateTimeOffset Since)? Problem =>
        missing is { } zone && time.GetUtcNow() - zone.Since >= Patience ? (zone.Text, zone.Since) : null;

    /// <summary>Asks for every zone.</summary>
    /// <returns>Whether knotd should start again with new files.</returns>
    public async Task<bool> LookAsync(CancellationToken cancellationToken)
    {
        string? found = null;
        foreach (var zone in plan.Zones)
            if (await serials.AskAsync(zone, cancellationToken).ConfigureAwait(false) is null)
            {
                found = zone;
                break;
            }
        var now = time.GetUtcNow();
        if (found is null)
        {
            if (told) logger.ServesAllZones();
            (missing, told, pause) = (null, false, BeforeRestart);
            return false;
        }
        var since = missing?.Since ?? now;
        missing = new Missing(found, since, missing?.Asked ?? now);
        if (now - since < Patience) return false;
        if (!told) logger.ZoneNotServed(found);
        told = true;
        if (now - missing.Asked < pause) return false;
        missing = missing with { Asked = now };
        // A start leaves all other zones unanswered for a moment, and may not help.
        pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        return true;
    }
}
