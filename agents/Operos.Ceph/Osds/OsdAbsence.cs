using Operos.Ceph.Facts;

namespace Operos.Ceph.Osds;

/// <summary>What of a pool stands still while some OSDs are away.</summary>
/// <param name="Still">Placement groups that would have fewer copies than the pool works with.</param>
/// <param name="All">All of the pool.</param>
/// <param name="MinSize">So many copies it works with.</param>
public sealed record PoolStop(string Pool, int Still, int All, int MinSize)
{
    public override string ToString() => $"{Still} of {All} placement groups of pool {Pool} would have fewer than {MinSize} copies: what "
        + "is in them is neither read nor written meanwhile";
}

/// <summary>What becomes of the data while some OSDs are away, and if they never come back.</summary>
/// <param name="Stops">What stands still.</param>
/// <param name="Agrees">Whether Ceph itself has nothing against stopping them (<c>osd ok-to-stop</c>).</param>
public sealed record OsdAbsence(IReadOnlyList<PoolStop> Stops, OsdLoss Loss, bool Agrees)
{
    /// <summary>Why they must not go, in words; none where they may.</summary>
    public IEnumerable<string> Reasons => Loss.Pools.Select(loss => $"{loss}").Concat(Stops.Select(stop => $"{stop}"))
        .DefaultIfEmpty(Agrees ? "" : "Ceph says of its OSDs that they must not stop now").Where(reason => reason.Length > 0);

    /// <param name="pools">By number: each one's name, and how many copies it works with.</param>
    internal static OsdAbsence Of(IReadOnlyCollection<int> osds, bool agrees, OsdLoss loss, IReadOnlyList<PlacementGroup> groups,
        IReadOnlyDictionary<long, (string Name, int MinSize)> pools) => new([.. groups.GroupBy(group => group.Pool).Select(pool =>
        {
            var (name, least) = pools.GetValueOrDefault(pool.Key, ($"{pool.Key}", 1));
            return new PoolStop(name, pool.Count(group => group.Acting.Any(osds.Contains)
                && group.Acting.Count(osd => !osds.Contains(osd)) < least), pool.Count(), least);
        }).Where(pool => pool.Still > 0)], loss, agrees);
}
