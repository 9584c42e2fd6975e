using Microsoft.Extensions.Logging.Abstractions;
using Operos.Ceph.Facts;
using Operos.Ceph.Monitors;
using Operos.Ceph.Osds;
using Operos.Ceph.Pools;
using Operos.Linux.Ceph;
using Operos.Controller.Tests;

namespace Operos.Ceph.Tests;

/// <summary>OSDs that are held up for longer than their lease lasts.</summary>
public sealed class LaggyGroupTests
{
    private const int Images = 12;

    [Fact]
    public void An_OSD_is_marked_down_once_it_was_laggy_for_long_and_one_at_a_time()
    {
        var clock = new TestClock();
        using var client = new MonitorClient("/nowhere");
        var laggy = new LaggyGroups(client, clock, NullLogger.Instance);
        PlacementGroup Group(string id, string state, params int[] acting) => new(id, 1, state, acting, 0, 0);
        PlacementGroup[] groups =
        [
            Group("1.0", "active+clean", 2), Group("1.1", "active+clean+laggy", 1, 0), Group("1.2", "active+undersized+laggy", 0, 1),
            Group("1.3", "active+laggy"), Group("1.4", "active+laggy", -1),
        ];
        Assert.Null(laggy.Next(groups));
        clock.Ahead += LaggyGroups.Patience / 2;
        // One that answered in between is new when it is laggy again.
        Assert.Null(laggy.Next([groups[2]]));
        Assert.Null(laggy.Next(groups));
        clock.Ahead += LaggyGroups.Patience / 2;
        Assert.Equal(0, laggy.Next(groups));
        Assert.Null(laggy.Next(groups));
        clock.Ahead += LaggyGroups.Patience / 2;
        Assert.Equal(1, laggy.Next(groups));
        clock.Ahead += LaggyGroups.Pause - LaggyGroups.Patience;
        Assert.Null(laggy.Next(groups));
        clock.Ahead += LaggyGroups.Patience / 2;
        Assert.Equal(0, laggy.Next(groups));
    }

    [Fact]
    public async Task An_OSD_that_has_no_lease_for_long_peers_anew_and_what_waited_for_it_is_written()
    {
        await using var lab = CephLab.Create("laggy");
        var monitor = lab.Start();
        await lab.UntilDaemonsWorkAsync();
        await lab.StartOsdAsync(Guid.NewGuid(), Guid.NewGuid());
        await lab.StartOsdAsync(Guid.NewGuid(), Guid.NewGuid());
        await lab.UntilAsync("each group has two copies", () => monitor is { WhyNoImage: null, Facts: { AllPlacementGroups: > 0 } facts }
            && facts.Pools is [{ Size: 2 }] && facts.CleanPlacementGroups == facts.AllPlacementGroups && facts.Degraded == 0);
        using var images = monitor.OpenImages();
        using var connection = RadosConnection.Open("client.admin", lab.Paths.ClientConfiguration, TimeSpan.FromMinutes(4));
        using var pool = connection.OpenPool(PoolImages.Pool);
        var open = new List<RbdImage>();
        for (var i = 0; i < Images; i++)
        {
            await images.MakeAsync($"image-{i}", 4 << 20, "default/data", default);
            open.Add(pool.Open($"image-{i}", writable: true));
        }

        // The other one renews no lease, and nobody holds it for dead, which would be the way out.
        await lab.AskAsync(new CephCommand("osd set").With("key", "nodown"));
        lab.HoldOsd(1, isHeld: true);
        var written = open.Select(image => Task.Factory.StartNew(() => image.Keep("written", "after"), TaskCreationOptions.LongRunning))
            .ToList();
        await lab.UntilAsync("it is told", () =>
            File.ReadAllText(lab.Log).Contains("osd.0 was held up, and answered nothing in", StringComparison.Ordinal));
        Assert.Contains(written, one => !one.IsCompleted);
        lab.HoldOsd(1, isHeld: false);
        await Task.WhenAll(written).WaitAsync(CephLab.Patience);
        Assert.All(open, image => Assert.Equal("after", image.Find("written")));
        Assert.Equal(2, monitor.Facts!.Osds.Count);
        await lab.UntilAsync("both are up", () => monitor.Facts!.Osds.All(osd => osd.IsUp));
        foreach (var image in open) image.Dispose();
    }
}
