using Operos.Ceph.Monitors;
using Operos.Ceph.Pools;

namespace Operos.Ceph.Tests;

/// <summary>How real OSDs share a pool as they come; a class of its own, which runs beside the others.</summary>
public sealed class PlacementGroupTests
{
    /// <summary>Large enough for as many groups as an OSD is to have; its file is sparse.</summary>
    private const long Size = 128L << 30;

    [Fact]
    [Trait("stage", "patient")]
    public async Task Placement_groups_follow_the_OSDs_from_1_to_12_and_all_have_their_part()
    {
        await using var lab = CephLab.Create("groups");
        var monitor = lab.Start();
        await lab.UntilDaemonsWorkAsync();
        Guid[] hosts = [Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid()];
        var begun = 0;
        foreach (var osds in (int[])[1, 2, 3, 6, 12])
        {
            await Task.WhenAll(Enumerable.Range(begun, osds - begun)
                .Select(osd => lab.StartOsdAsync(Guid.NewGuid(), hosts[osd % hosts.Length], Size)));
            begun = osds;
            var groups = PoolPlan.GroupsFor(osds, osds * Size);
            await lab.UntilAsync($"{osds} OSDs have {groups} groups", () => monitor.Facts is { Pools: [var pool] } facts
                && facts.Osds.Count(osd => osd.IsUp) == osds && pool.PlacementGroups == groups && PoolPlan.Next(facts) is null
                && facts.AllPlacementGroups == groups && facts.CleanPlacementGroups == groups);
            var space = await lab.AskAsync(new CephCommand("osd df", OfManager: true));
            var had = space.GetProperty("nodes").EnumerateArray().Select(osd => osd.GetProperty("pgs").GetInt32()).ToList();
            var share = (double)groups * monitor.Facts!.Pools[0].Size / osds;
            // Nothing moves them from one OSD to another but CRUSH's chance.
            Assert.All(had, count => Assert.InRange(count, share * 0.5, Math.Min(share * 1.75, 250)));
        }
    }
}
