using System.Text.Json;
using Operos.Ceph.Facts;
using Operos.Ceph.Osds;
using Operos.Ceph.Pools;

namespace Operos.Ceph.Tests.Osds;

/// <summary>What is lost without OSDs, and what moves when one is marked, of figures alone.</summary>
public sealed class OsdLossTests
{
    [Theory]
    [InlineData("active+clean", new[] { 0, 1, 2 }, 0, GroupNeed.None)]
    [InlineData("active+clean+scrubbing+deep", new[] { 2, 1 }, 0, GroupNeed.None)]
    [InlineData("active+undersized+degraded", new[] { 0, 1 }, 0, GroupNeed.None)]
    [InlineData("undersized+degraded+peered", new[] { 0 }, 0, GroupNeed.None)]
    [InlineData("active+remapped+backfilling", new[] { 0, 2 }, 0, GroupNeed.Unsure)]
    [InlineData("active+recovery_unfound+degraded", new[] { 0, 1 }, 3, GroupNeed.Unsure)]
    [InlineData("down", new[] { 0 }, 0, GroupNeed.Unsure)]
    [InlineData("incomplete", new[] { 0, 1 }, 0, GroupNeed.Unsure)]
    [InlineData("peering", new[] { 0, 1 }, 0, GroupNeed.Unsure)]
    [InlineData("unknown", new int[0], 0, GroupNeed.Unsure)]
    [InlineData("stale+active+clean", new[] { 0, 1 }, 0, GroupNeed.Unsure)]
    [InlineData("active+clean", new[] { 2 }, 0, GroupNeed.All)]
    [InlineData("stale+undersized+peered", new[] { 2 }, 0, GroupNeed.All)]
    public void A_placement_group_is_safe_without_an_OSD_only_where_others_are_known_to_have_all_of_it(string state, int[] acting,
        long unfound, GroupNeed need) =>
        Assert.Equal(need, new PlacementGroup("1.0", 1, state, acting, 5, unfound).Without([2]));

    [Fact]
    public void What_would_be_lost_is_told_by_pool_and_what_ceph_itself_calls_safe_is()
    {
        var groups = PlacementGroup.Read(Json("""
            {"pg_ready":true,"pg_stats":[
            {"pgid":"1.0","state":"active+clean","acting":[0,1],"stat_sum":{"num_bytes":7000000,"num_objects_unfound":0}},
            {"pgid":"1.1","state":"stale+active+clean","acting":[2],"stat_sum":{"num_bytes":5000000}},
            {"pgid":"1.2","state":"down","acting":[0]}, {"pgid":7}, {}]}
            """));
        Assert.Equal(5, groups.Count);
        var names = new Dictionary<long, string> { [1] = "kube" };
        var loss = OsdLoss.Of([2], isSafe: false, groups, names);
        Assert.True(loss.IsCertain);
        Assert.Equal(["1 of 3 placement groups of pool kube have no other copy, with 5 MB of data; "
            + "1 of 3 placement groups of pool kube are not known to be complete elsewhere",
            "2 of 2 placement groups of pool -1 are not known to be complete elsewhere"], loss.Pools.Select(pool => $"{pool}"));
        Assert.True(OsdLoss.Of([2], isSafe: true, groups, names).IsNone);
        Assert.True(OsdLoss.Of([0], isSafe: false, [groups[2]], names).IsCertain);
        // Nothing counted is nothing known.
        Assert.Throws<IOException>(() => OsdLoss.Of([2], isSafe: false, [], names));
        Assert.Throws<IOException>(() => PlacementGroup.Read(Json("""{"pg_ready":false,"pg_stats":[]}""")));
        Assert.Throws<IOException>(() => PlacementGroup.Read(default));
    }

    [Fact]
    public void What_moves_is_told_with_its_time_where_a_rate_is_known()
    {
        var facts = Facts(hosts: 4, stored: 40_000_000_000);
        Assert.Equal("10.0 GB on it are copied to other OSDs, how long that takes is not known yet: no copies were made since the agent "
            + "began", OsdMoves.Out(facts, 3, rate: 0));
        Assert.Equal("10.0 GB on it are copied to other OSDs, which takes about 3 min at 50 MB a second, as was copied last",
            OsdMoves.Out(facts, 3, rate: 50_000_000));
        Assert.Equal("10.0 GB that were on it are copied to other OSDs from the copies that are left, which takes about 6 h at 500 kB a "
            + "second, as was copied last", OsdMoves.Out(With(facts, osd => osd with { IsUp = false }), 3, rate: 500_000));
        Assert.EndsWith("; there is little room for that: add disks",
            OsdMoves.Out(Facts(hosts: 4, stored: 4_000_000_000_000), 3, rate: 1), StringComparison.Ordinal);
        Assert.Equal("about 10.0 GB are copied to it, which takes about 10 s at 1.0 GB a second, as was copied last",
            OsdMoves.In(With(facts, osd => osd with { IsIn = false }), 3, rate: 1_000_000_000));
        Assert.Equal("nothing is put on it until it is up", OsdMoves.In(With(facts, osd => osd with { IsUp = false }), 3, rate: 1));
        Assert.Equal("how much is on it is not known: ceph-mgr does not answer", OsdMoves.Out(facts with { IsCounted = false }, 3, 1));
        Assert.Null(OsdMoves.WhyNotOut(facts, 3));
        Assert.Null(OsdMoves.WhyNotOut(Facts(hosts: 3, stored: 0), 2));
        Assert.NotNull(OsdMoves.WhyNotOut(Facts(hosts: 2, stored: 0), 1));
        // One that is down already takes nothing more away.
        Assert.Null(OsdMoves.WhyNotOut(With(Facts(hosts: 2, stored: 0), osd => osd with { IsUp = false }), 1));
    }

    private static ClusterFacts With(ClusterFacts facts, Func<OsdFacts, OsdFacts> last) =>
        facts with { Osds = [.. facts.Osds.SkipLast(1), last(facts.Osds[^1])] };

    private static ClusterFacts Facts(int hosts, long stored) => new()
    {
        At = default, IsCounted = true, Pools = [new PoolFacts(PoolPlan.Name, Math.Min(hosts, 3), 2, 32, stored / 3, 0, IsForRbd: true)],
        Osds = [.. Enumerable.Range(0, hosts).Select(id => new OsdFacts(id, Guid.NewGuid(), true, true, $"h{id}", "hdd", 1L << 40, 0,
            stored / hosts))],
        PlacementGroups = new Dictionary<string, int> { ["active+clean"] = 32 },
    };

    private static JsonElement Json(string text)
    {
        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }
}
