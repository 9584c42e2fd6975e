using System.Numerics;
using Operos.Ceph.Facts;

namespace Operos.Ceph.Pools;

/// <summary>What is to be done to a pool: at most one thing at a time, and nothing that takes copies away without an order.</summary>
/// <param name="Setting">What of it is set, as <c>osd pool set</c> calls it; <see cref="Create"/> and <see cref="Enable"/> beside.</param>
/// <param name="Value">What it is set to; of a new pool its placement groups.</param>
/// <param name="Size">Of a new pool.</param>
internal sealed record PoolStep(string Setting, int Value, int Size = 0)
{
    public const string Create = "create", Enable = "application";
}

/// <summary>
/// The pool for Kubernetes' volumes: each host has one copy at most, so that there are as many copies as hosts, up to three. Hosts that go
/// down take none away. An operator may want fewer copies, or that it works with one alone (<see cref="PoolOrder"/>).
/// </summary>
internal static class PoolPlan
{
    public const string Name = "kube";
    public const int MostCopies = PoolOrder.MostCopies, UsualMinSize = PoolOrder.UsualMinSize;

    /// <summary>
    /// Of an OSD, with all copies (Ceph's documentation, Placement Groups: about 100). Three copies are reckoned with whatever there are
    /// now: placement groups are split easily, and merged at a price.
    /// </summary>
    private const int GroupsOfOsd = 100;
    private const int LeastGroups = 32, MostGroups = 8192;

    /// <summary>
    /// What one holds at least when the pool is full. More groups than that spread nothing better, and each costs its OSDs memory, and time
    /// when one comes or goes.
    /// </summary>
    private const long BytesOfGroup = 1L << 30;

    private static readonly string[] Fullness =
        ["OSD_FULL", "POOL_FULL", "OSD_BACKFILLFULL", "POOL_BACKFILLFULL", "OSD_NEARFULL", "POOL_NEARFULL"];

    /// <summary>How full what there is may be after another copy was made of everything: well below where Ceph stops writers.</summary>
    private const double Fullest = 0.75;

    /// <returns>The next step; null where it is as it should be, or where the manager does not count.</returns>
    public static PoolStep? Next(ClusterFacts facts)
    {
        if (!facts.IsCounted) return null;
        var copies = CopiesOf(facts);
        var used = facts.Osds.Where(osd => osd.IsIn && osd.Host is not null).ToList();
        var groups = GroupsFor(used.Count, used.Sum(osd => osd.Bytes));
        if (Find(facts) is not { } pool) return copies == 0 ? null : new PoolStep(PoolStep.Create, groups, copies);
        if (!pool.IsForRbd) return new PoolStep(PoolStep.Enable, 0);
        if (pool.Size < copies && Fits(facts, pool, pool.Size + 1)) return new PoolStep("size", pool.Size + 1);
        if (pool.Order.MinSize < pool.MinSize) return new PoolStep("min_size", pool.Order.MinSize.Value);
        if (pool.Order.Copies < pool.Size) return new PoolStep("size", pool.Order.Copies.Value);
        // Raised before the second copies are there, it would stop whoever reads or writes.
        var least = pool.Order.MinSize ?? UsualMinSize;
        if (pool.Size >= least && pool.MinSize < least) return IsWhole(facts) ? new PoolStep("min_size", least) : null;
        return pool.PlacementGroups < groups && IsWhole(facts) ? new PoolStep("pg_num", groups) : null;
    }

    /// <summary>What an operator must know of it, in words.</summary>
    public static IEnumerable<string> Warnings(ClusterFacts facts)
    {
        if (Find(facts) is not { } pool)
        {
            yield return facts.Osds.Count == 0
                ? "there is no OSD, so nothing can be stored: operosctl disks list says why no disk has one"
                : facts.HostsUp.Count == 0 ? "no OSD is up, so nothing can be stored: operosctl storage osd list"
                : "nothing can be stored yet: the pool is made as soon as ceph-mgr works";
            yield break;
        }
        if (pool.Size < CopiesOf(facts) && facts.IsCounted && !Fits(facts, pool, pool.Size + 1))
            yield return $"there are hosts for more than {pool.Size} copies, but not the room: "
                + "add disks to the smallest of them, and copies are made by themselves";
        else if (pool.Size == 1)
            yield return "all data has one copy, because one host alone has disks: a disk that dies takes data with it. "
                + "Add a second machine with disks: copies are made by themselves";
        else if (pool is { Size: 2, Order: { Copies: null, MinSize: null } })
            yield return "all data has two copies on two hosts: while one of them is down nothing is written or read. "
                + "Add a third machine with disks: a third copy is made by itself";
        if (pool.Order.MinSize < UsualMinSize && pool.Size > 1)
            yield return "as an operator ordered, it is written with one copy alone while the others are away: a disk that dies then takes "
                + "that with it. operosctl storage pool set --min-size 2 ends that";
        else if (pool.MinSize < Math.Min(pool.Size, UsualMinSize))
            yield return "writes go on with one copy alone until the second copies are complete";
        if (facts.HostsUp.Count < pool.Size)
            yield return $"{facts.HostsUp.Count} of the {pool.Size} hosts that data is copied to are up"
                + (facts.HostsUp.Count < pool.MinSize ? ": nothing is written or read until another is" : "");
    }

    /// <summary>Why no image is to be made now: what is promised beyond what there is stops everybody who writes.</summary>
    public static string? WhyNoImage(ClusterFacts facts) => Find(facts) is null ? Warnings(facts).First()
        : facts.Complaints.FirstOrDefault(complaint => Fullness.Contains(complaint.Code)) is { } full ? HealthWords.Say(full) : null;

    /// <summary>A power of two, as Ceph splits best: the nearest, and the next where that would be over a quarter too few.</summary>
    /// <param name="bytes">Of all these OSDs.</param>
    internal static int GroupsFor(int osds, long bytes)
    {
        var wanted = Math.Max(LeastGroups, Math.Min((long)osds * GroupsOfOsd, bytes / BytesOfGroup) / MostCopies);
        var below = 1 << BitOperations.Log2((ulong)Math.Min(wanted, MostGroups));
        return Math.Min(MostGroups, below * 4 >= wanted * 3 ? below : below * 2);
    }

    /// <summary>
    /// How much can be stored in so many copies on different hosts: whatever a host has beyond its share stays empty, as one has one copy
    /// of everything at most.
    /// </summary>
    /// <param name="hosts">Bytes of each, the largest first.</param>
    internal static long Room(IReadOnlyList<long> hosts, int copies) => hosts.Count < copies ? 0
        : Enumerable.Range(0, copies).Min(larger => hosts.Skip(larger).Sum() / (copies - larger));

    internal static bool Fits(ClusterFacts facts, PoolFacts pool, int copies) =>
        pool.Bytes <= Fullest * Room([.. facts.HostsUp.Select(host => host.Bytes)], copies);

    /// <summary>How many copies there are to be.</summary>
    private static int CopiesOf(ClusterFacts facts) => Math.Min(Find(facts)?.Order.Copies ?? MostCopies, facts.HostsUp.Count);

    internal static PoolFacts? Find(ClusterFacts facts) => facts.Pools.FirstOrDefault(pool => pool.Name == Name);

    private static bool IsWhole(ClusterFacts facts) =>
        facts.AllPlacementGroups > 0 && facts.CleanPlacementGroups == facts.AllPlacementGroups && facts.Degraded == 0;
}
