using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>
/// A controller on its own kernel and disk. What it becomes is the first state of the cluster that <see cref="ClusterTests"/> goes on with:
/// made here, it takes one core beside other guests.
/// </summary>
public sealed class ControllerTests(ClusterStates states)
{
    [Fact]
    public async Task A_controller_boots_from_its_disk_and_serves()
    {
        await using var cluster = await states.StartAsync(ClusterState.Serving, "serves", TimeSpan.FromMinutes(10));
        await cluster.WatchAsync(() => cluster.UntilAsync("boot traffic is served", status => status.AreHealthy(["dnsmasq", "releases"])));
    }
}
