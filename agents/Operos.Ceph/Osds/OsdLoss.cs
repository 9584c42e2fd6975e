using Operos.Ceph.Facts;

namespace Operos.Ceph.Osds;

/// <summary>What of a pool's data has no complete copy but on some OSDs.</summary>
/// <param name="Lost">Placement groups of which nobody else has a copy.</param>
/// <param name="Unsure">Those of which nobody knows it.</param>
/// <param name="All">All of the pool.</param>
/// <param name="BytesLost">What is stored in those that are lost, without copies.</param>
public sealed record PoolLoss(string Pool, int Lost, int Unsure, int All, long BytesLost)
{
    public override string ToString() => string.Join("; ", ((string?[])
    [
        Lost == 0 ? null : $"{Lost} of {All} placement groups of pool {Pool} have no other copy, with {Amounts.Size(BytesLost)} of data",
        Unsure == 0 ? null : $"{Unsure} of {All} placement groups of pool {Pool} are not known to be complete elsewhere",
    ]).OfType<string>());
}

/// <summary>What is lost when some OSDs never come back: nothing where there is no pool in it.</summary>
public sealed record OsdLoss(IReadOnlyList<PoolLoss> Pools)
{
    public bool IsNone => Pools.Count == 0;

    /// <summary>Whether there is something of which no other copy exists at all.</summary>
    public bool IsCertain => Pools.Any(pool => pool.Lost > 0);

    /// <summary>
    /// Ceph itself says of an OSD that is down that nothing can be said until all placement groups are complete again, which they never are
    /// where no other host can take its copies. One that works without it has all that it needs.
    /// </summary>
    /// <param name="isSafe">What <c>osd safe-to-destroy</c> says.</param>
    /// <param name="names">Of pools, by number.</param>
    internal static OsdLoss Of(IReadOnlyCollection<int> osds, bool isSafe, IReadOnlyList<PlacementGroup> groups,
        IReadOnlyDictionary<long, string> names)
    {
        if (isSafe) return new([]);
        if (groups.Count == 0 && names.Count > 0) throw new IOException("ceph-mgr has not counted the placement groups yet");
        return new([.. groups.GroupBy(group => group.Pool).Select(pool =>
        {
            var needs = pool.Select(group => (Group: group, Need: group.Without(osds))).ToList();
            var lost = needs.Where(one => one.Need == GroupNeed.All).ToList();
            return new PoolLoss(names.GetValueOrDefault(pool.Key, $"{pool.Key}"), lost.Count,
                needs.Count(one => one.Need == GroupNeed.Unsure), needs.Count, lost.Sum(one => one.Group.Bytes));
        }).Where(pool => pool.Lost + pool.Unsure > 0)]);
    }
}
