using Operos.Ceph.Facts;
using Operos.Ceph.Pools;

namespace Operos.Ceph.Tests;

/// <summary>The pool grows with the hosts, one step at a time, and nothing takes copies away.</summary>
public sealed class PoolPlanTests
{
    [Fact]
    public void There_is_no_pool_before_an_osd_is_up()
    {
        Assert.Null(PoolPlan.Next(Facts([])));
        Assert.Null(PoolPlan.Next(Facts([("a", false)])));
        Assert.Contains("no OSD is up", Assert.Single(PoolPlan.Warnings(Facts([("a", false)]))), StringComparison.Ordinal);
        Assert.Equal(new PoolStep(PoolStep.Create, 32, 1), PoolPlan.Next(Facts([("a", true)])));
    }

    [Theory]
    [InlineData(1, 1, 32)]
    [InlineData(2, 2, 64)]
    [InlineData(3, 3, 128)]
    [InlineData(4, 3, 128)]
    [InlineData(5, 3, 128)]
    [InlineData(6, 3, 256)]
    [InlineData(8, 3, 256)]
    [InlineData(9, 3, 256)]
    [InlineData(10, 3, 256)]
    [InlineData(11, 3, 512)]
    [InlineData(12, 3, 512)]
    public void From_1_to_12_hosts_a_new_pool_has_copies_and_groups_for_them(int hosts, int copies, int groups) =>
        Assert.Equal(new PoolStep(PoolStep.Create, groups, copies), PoolPlan.Next(Facts(Up(hosts))));

    [Fact]
    public void No_osd_is_given_more_placement_groups_than_the_monitor_allows()
    {
        // mon_max_pg_per_osd is 250.
        for (var osds = 1; osds <= 3000; osds++)
            Assert.InRange(PoolPlan.GroupsFor(osds, osds * (1L << 40)) * Math.Min(PoolPlan.MostCopies, osds) / osds, 8, 250);
    }

    [Theory]
    [InlineData(6, 30, 32)]
    [InlineData(6, 300, 128)]
    [InlineData(12, 900, 256)]
    [InlineData(12, 1300, 512)]
    public void No_group_is_for_less_than_a_GiB(int osds, long gibibytes, int groups) =>
        Assert.Equal(groups, PoolPlan.GroupsFor(osds, gibibytes << 30));

    [Fact]
    public void It_grows_step_by_step_from_one_host_to_three_and_is_then_left_alone()
    {
        var pool = new PoolFacts(PoolPlan.Name, 1, 1, 32, 0, 0, IsForRbd: false);
        List<string> steps = [];
        for (var hosts = 1; hosts <= 3; hosts++)
            while (PoolPlan.Next(Facts(Up(hosts), pool)) is { } step)
            {
                steps.Add($"{hosts}: {step.Setting} {step.Value}");
                pool = step.Setting switch
                {
                    PoolStep.Enable => pool with { IsForRbd = true },
                    "size" => pool with { Size = step.Value },
                    "min_size" => pool with { MinSize = step.Value },
                    _ => pool with { PlacementGroups = step.Value },
                };
            }
        Assert.Equal(["1: application 0", "2: size 2", "2: min_size 2", "2: pg_num 64", "3: size 3", "3: pg_num 128"], steps);
    }

    [Fact]
    public void Hosts_that_go_down_take_no_copies_away()
    {
        var pool = new PoolFacts(PoolPlan.Name, 3, 2, 128, 0, 0, IsForRbd: true);
        Assert.Null(PoolPlan.Next(Facts([("a", true), ("b", false), ("c", false)], pool)));
        Assert.Contains(PoolPlan.Warnings(Facts([("a", true), ("b", false), ("c", false)], pool)),
            warning => warning == "1 of the 3 hosts that data is copied to are up: nothing is written or read until another is");
        Assert.Equal("2 of the 3 hosts that data is copied to are up",
            Assert.Single(PoolPlan.Warnings(Facts([("a", true), ("b", true), ("c", false)], pool))));
    }

    [Fact]
    public void Two_copies_are_demanded_only_when_they_are_there()
    {
        var pool = new PoolFacts(PoolPlan.Name, 2, 1, 32, 0, 0, IsForRbd: true);
        var facts = Facts(Up(2), pool);
        Assert.Null(PoolPlan.Next(facts with { Degraded = 1 }));
        Assert.Null(PoolPlan.Next(facts with { PlacementGroups = new Dictionary<string, int> { ["active+clean"] = 31, ["peering"] = 1 } }));
        Assert.Equal(new PoolStep("min_size", 2), PoolPlan.Next(facts));
        Assert.Contains(PoolPlan.Warnings(facts), warning => warning.StartsWith("writes go on with one copy", StringComparison.Ordinal));
    }

    [Fact]
    public void An_order_has_fewer_copies_or_one_alone_and_its_end_has_them_again()
    {
        var pool = new PoolFacts(PoolPlan.Name, 3, 2, 128, 0, 0, IsForRbd: true, new PoolOrder(2, 1));
        var facts = Facts(Up(3), pool) with { Degraded = 1 };
        Assert.Equal(new PoolStep("min_size", 1), PoolPlan.Next(facts));
        Assert.Equal(new PoolStep("size", 2), PoolPlan.Next(facts with { Pools = [pool with { MinSize = 1 }] }));
        var done = pool with { Size = 2, MinSize = 1 };
        Assert.Null(PoolPlan.Next(Facts(Up(3), done)));
        Assert.StartsWith("as an operator ordered, it is written with one copy alone", Assert.Single(PoolPlan.Warnings(Facts(Up(3), done))),
            StringComparison.Ordinal);
        facts = Facts(Up(3), done with { Order = new PoolOrder(3, 2) });
        Assert.Equal(new PoolStep("size", 3), PoolPlan.Next(facts));
        facts = facts with { Pools = [done with { Size = 3, Order = new PoolOrder(3, 2) }] };
        Assert.Null(PoolPlan.Next(facts with { Degraded = 1 }));
        Assert.Equal(new PoolStep("min_size", 2), PoolPlan.Next(facts));
        Assert.Empty(PoolPlan.Warnings(Facts(Up(3), pool with { Order = new PoolOrder(null, 2) })));
    }

    [Fact]
    public void Nothing_is_decided_while_nobody_counts()
    {
        var facts = Facts(Up(3)) with { IsCounted = false };
        Assert.Null(PoolPlan.Next(facts));
        Assert.Equal("nothing can be stored yet: the pool is made as soon as ceph-mgr works", Assert.Single(PoolPlan.Warnings(facts)));
    }

    [Theory]
    [InlineData(0.5, true)]
    [InlineData(0.7, true)]
    [InlineData(0.8, false)]
    public void Another_copy_is_made_only_where_all_of_it_has_room(double full, bool grows)
    {
        var facts = Facts(Up(3), new PoolFacts(PoolPlan.Name, 2, 2, 128, (long)(full * (1L << 40)), 0, IsForRbd: true));
        Assert.Equal(grows ? new PoolStep("size", 3) : null, PoolPlan.Next(facts));
        Assert.Equal(!grows, PoolPlan.Warnings(facts).First().StartsWith("there are hosts for more than 2 copies, but not the room",
            StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(1, 18)]
    [InlineData(2, 8)]
    [InlineData(3, 2)]
    [InlineData(4, 0)]
    public void A_host_that_is_larger_than_the_others_together_holds_no_more_than_they(int copies, long room) =>
        Assert.Equal(room, PoolPlan.Room([10, 6, 2], copies));

    [Fact]
    public void An_osd_that_is_out_is_no_host_for_a_copy()
    {
        var facts = Facts(Up(2));
        Assert.Equal(1, PoolPlan.Next(facts with { Osds = [facts.Osds[0], facts.Osds[1] with { IsIn = false }] })!.Size);
    }

    [Fact]
    public void Two_osds_of_one_host_are_one_host() =>
        Assert.Equal(new PoolStep(PoolStep.Create, 64, 1), PoolPlan.Next(Facts([("a", true), ("a", true)])));

    private static (string Host, bool IsUp)[] Up(int hosts) => [.. Enumerable.Range(0, hosts).Select(host => ($"h{host}", true))];

    private static ClusterFacts Facts((string Host, bool IsUp)[] osds, PoolFacts? pool = null) => new()
    {
        At = default, IsCounted = true, Pools = pool is null ? [] : [pool],
        Osds = [.. osds.Select((osd, id) => new OsdFacts(id, Guid.NewGuid(), osd.IsUp, true, osd.Host, "hdd", 1L << 40, 0))],
        PlacementGroups = pool is null ? new Dictionary<string, int>() : new Dictionary<string, int> { ["active+clean"] = 32 },
    };
}
