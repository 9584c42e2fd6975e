using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Operos.Kubernetes;

namespace Operos.Controller.Cluster;

/// <summary>Why a volume is not made or deleted now.</summary>
/// <param name="elsewhereMaybe">Whether another machine may have what this one lacks.</param>
/// <param name="isSilence">Whether who was asked did not answer.</param>
internal sealed class ProvisioningException(string message, bool elsewhereMaybe = false, bool isSilence = false) : Exception(message)
{
    public bool ElsewhereMaybe { get; } = elsewhereMaybe;
    public bool IsSilence { get; } = isSilence;
}

/// <summary>
/// Work on volumes, by their names, one at a time on each: what fails is tried again after a while, and told now and then.
/// </summary>
internal sealed class VolumeAttempts(ILogger logger)
{
    private static readonly TimeSpan ToldAgain = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<string, Failure> failures = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> underWay = new(StringComparer.Ordinal);

    /// <summary>Between what fails and the next attempt.</summary>
    public TimeSpan Retry { get; init; } = TimeSpan.FromSeconds(15);

    /// <param name="Due">When it is tried again.</param>
    /// <param name="Told">When it was told last.</param>
    private sealed record Failure(DateTime Due, DateTime Told, string Reason);

    /// <summary>Why the last attempt failed; null where none did.</summary>
    public string? WhyNot(string volume) => failures.GetValueOrDefault(volume)?.Reason;

    /// <summary>Of all others nothing is known any more.</summary>
    public void Keep(IReadOnlySet<string> volumes)
    {
        foreach (var gone in failures.Keys.Where(name => !volumes.Contains(name))) failures.TryRemove(gone, out _);
    }

    /// <returns>Whether who was asked answers.</returns>
    public async Task<bool> TryAsync(string volume, Func<Task> act, Func<string, Task> tell)
    {
        var (before, now) = (failures.GetValueOrDefault(volume), DateTime.UtcNow);
        if (before?.Due > now || !underWay.TryAdd(volume, true)) return true;
        try
        {
            await act().ConfigureAwait(false);
            failures.TryRemove(volume, out _);
            return true;
        }
        catch (Exception e) when (e is ApiException or ProvisioningException)
        {
            var isTold = before is not null && now - before.Told < ToldAgain;
            failures[volume] = new(DateTime.UtcNow + Retry, isTold ? before!.Told : now, e.Message);
            try { if (!isTold) await tell(e.Message).ConfigureAwait(false); }
            catch (ApiException untold) { logger.VolumeNotMade(volume, untold.Message); }
            return e is not ProvisioningException { IsSilence: true };
        }
        finally { underWay.TryRemove(volume, out _); }
    }
}
