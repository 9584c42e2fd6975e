using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>
/// Volumes of Ceph on the workers' own kernels: three workers, so that a pool has each of its copies on a machine of its own and takes what
/// is written while one of them is away. It takes two cores for twenty minutes, so it is asked for by hand (<c>-explicit only</c>).
/// </summary>
[Collection(Guests.Clusters)]
public sealed class VolumeTests
{
    private const int Workers = 3;

    [Fact(Explicit = true)]
    public async Task A_volume_follows_its_pod_from_a_worker_that_is_cut_off()
    {
        var build = new Build();
        Assert.SkipUnless(build is { HasKubernetes: true, HasCeph: true }, "the layers are without Kubernetes or Ceph");
        await using var cluster = await RunningCluster.BootAsync(build, "Volumes", Workers, VolumeScenario.MemoryMiB, disks: 1,
            VolumeScenario.Configuration);
        await cluster.WatchAsync(TimeSpan.FromMinutes(30), () => VolumeScenario.VolumeFollowsItsPodAsync(cluster));
    }
}
