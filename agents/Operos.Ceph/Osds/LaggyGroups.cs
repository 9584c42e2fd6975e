using System.Globalization;
using Microsoft.Extensions.Logging;
using Operos.Ceph.Facts;
using Operos.Ceph.Monitors;

namespace Operos.Ceph.Osds;

/// <summary>
/// Placement groups that answer nothing although all their OSDs are up. An OSD may answer for what it holds while it has a lease from the
/// others, which it renews. One that was held up, as on a machine that was paused, finds some of its groups <c>laggy</c> and may never
/// renew these (seen with Ceph 18.2; tracker.ceph.com/issues/80404): whoever reads or writes there waits for ever. Marked down it is back
/// within seconds, agrees with the others anew, and answers.
/// </summary>
internal sealed class LaggyGroups(MonitorClient client, TimeProvider time, ILogger logger)
{
    /// <summary>
    /// Otherwise a group is laggy for no longer than until an OSD that does not answer is held for dead: 20 s, or a little more where few
    /// others say so.
    /// </summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(45);

    /// <summary>An OSD that is marked down five times within ten minutes gives up.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromMinutes(5);

    private readonly Dictionary<string, DateTimeOffset> seen = new(StringComparer.Ordinal);
    private readonly Dictionary<int, DateTimeOffset> marked = [];

    /// <summary>Looks at those that are laggy, and marks down at most one OSD.</summary>
    /// <exception cref="IOException">The monitor or the manager does not answer.</exception>
    public async Task PassAsync(ClusterFacts facts, CancellationToken cancellationToken)
    {
        if (!facts.PlacementGroups.Any(state => state.Value > 0 && PlacementGroup.IsLaggy(state.Key)))
        {
            seen.Clear();
            return;
        }
        var listed = await client.AskAsync(new CephCommand("pg ls", OfManager: true).With("states", ["laggy"]), cancellationToken)
            .ConfigureAwait(false);
        if (Next(PlacementGroup.Read(listed)) is not { } primary) return;
        await client.AskAsync(new CephCommand("osd down").With("ids", [primary.ToString(CultureInfo.InvariantCulture)]),
            cancellationToken).ConfigureAwait(false);
        logger.OsdWasHeldUp(primary, Patience.TotalSeconds);
    }

    /// <param name="groups">As they are now; others are forgotten.</param>
    /// <returns>An OSD that answers nothing in some of them for too long, and was not marked down lately; null where none is.</returns>
    internal int? Next(IReadOnlyList<PlacementGroup> groups)
    {
        var (now, laggy) = (time.GetUtcNow(), groups.Where(group => PlacementGroup.IsLaggy(group.State)).ToList());
        foreach (var well in seen.Keys.Except(laggy.Select(group => group.Id)).ToList()) seen.Remove(well);
        foreach (var group in laggy) seen.TryAdd(group.Id, now);
        foreach (var old in marked.Where(one => now - one.Value >= Pause).ToList()) marked.Remove(old.Key);
        // The first of its OSDs answers for it.
        foreach (var group in laggy.Where(group => now - seen[group.Id] >= Patience))
            if (group.Acting is [>= 0 and var primary, ..] && marked.TryAdd(primary, now)) return primary;
        return null;
    }
}
