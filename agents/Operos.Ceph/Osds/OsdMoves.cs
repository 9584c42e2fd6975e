using Operos.Ceph.Facts;
using Operos.Ceph.Pools;

namespace Operos.Ceph.Osds;

/// <summary>What moves when an OSD is marked out or in, in words; nothing but what is known is looked at.</summary>
public static class OsdMoves
{
    /// <summary>Why an OSD cannot be marked out; null where it can.</summary>
    public static string? WhyNotOut(ClusterFacts facts, int osd)
    {
        var (hosts, left) = (facts.HostsUp.Count, Without(facts, osd).HostsUp.Count);
        return PoolPlan.Find(facts) is { } pool && left < hosts && left < pool.MinSize
            ? $"without OSD {osd} {Machines(left)} with OSDs would be left, and pool {pool.Name} is read and written with copies on "
                + $"{pool.MinSize} at least: it would stand still"
            : null;
    }

    /// <param name="rate">Bytes a second of which copies were made last; 0 where none were.</param>
    public static string Out(ClusterFacts facts, int osd, long rate)
    {
        if (!facts.IsCounted || facts.Osds.FirstOrDefault(one => one.Id == osd) is not { } known)
            return "how much is on it is not known: ceph-mgr does not answer";
        var rest = Without(facts, osd);
        var pool = PoolPlan.Find(facts);
        if (pool is not null && rest.HostsUp.Count < pool.Size)
            return $"its copies have no other place, as {Machines(rest.HostsUp.Count)} with OSDs "
                + $"{(rest.HostsUp.Count == 1 ? "is" : "are")} left for {pool.Size} copies: there is one copy less of what is on it "
                + "until another machine has an OSD";
        var moves = known.IsUp ? $"{Amounts.Size(known.BytesOfData)} on it are copied to other OSDs, "
            : $"{Amounts.Size(known.BytesOfData)} that were on it are copied to other OSDs from the copies that are left, ";
        return moves + Amounts.Time(known.BytesOfData, rate) + (pool is not null && !PoolPlan.Fits(rest, pool, pool.Size)
            ? "; there is little room for that: add disks" : "");
    }

    /// <param name="rate">Bytes a second of which copies were made last; 0 where none were.</param>
    public static string In(ClusterFacts facts, int osd, long rate)
    {
        if (!facts.IsCounted || facts.Osds.FirstOrDefault(one => one.Id == osd) is not { } known)
            return "how much is put on it is not known: ceph-mgr does not answer";
        if (!known.IsUp) return "nothing is put on it until it is up";
        var room = facts.Osds.Where(one => one.IsIn || one.Id == osd).Sum(one => one.Bytes);
        var stored = facts.Osds.Sum(one => one.BytesOfData);
        var share = room <= 0 ? 0 : (long)((double)stored * known.Bytes / room);
        return $"about {Amounts.Size(share)} are copied to it, {Amounts.Time(share, rate)}";
    }

    /// <summary>How long until the copies that are missing are made.</summary>
    /// <returns>In seconds, 0 where nobody knows; and in words, null where none are missing.</returns>
    public static (long Seconds, string? Text) Missing(ClusterFacts facts)
    {
        if (!facts.IsCounted || facts.Degraded <= 0) return (0, null);
        var there = Math.Max(1, facts.Copies - facts.Degraded);
        var bytes = (long)Math.Min(1e18, (double)facts.Osds.Sum(osd => osd.BytesOfData) / there * facts.Degraded);
        var missing = $"{facts.Degraded} of {facts.Copies} copies are missing";
        return facts.RecoveryRate <= 0
            ? (0, $"{missing}, and none are being made now: bring back the machines and disks that are down, or add others")
            : (Math.Max(1, bytes / facts.RecoveryRate), $"{missing}: they are being made, {Amounts.Time(bytes, facts.RecoveryRate)}");
    }

    private static ClusterFacts Without(ClusterFacts facts, int osd) => facts with { Osds = [.. facts.Osds.Where(one => one.Id != osd)] };

    private static string Machines(int count) => count switch { 0 => "no machine", 1 => "1 machine", _ => $"{count} machines" };
}
