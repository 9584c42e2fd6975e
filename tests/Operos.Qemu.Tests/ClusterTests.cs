using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>What workers on kernels, firmware and disks of their own do in a cluster. Nothing is configured on a worker.</summary>
[Collection(Guests.Clusters)]
public sealed class ClusterTests(RunningCluster running)
{
    private const string NoKubernetes = "the layers are without Kubernetes";

    /// <summary>What a worker is told reaches it: the key lets its operator in, and its name is its UUID.</summary>
    [Fact]
    public Task Two_workers_join_by_themselves_and_are_Ready() => InAsync(TimeSpan.FromMinutes(5), async cluster =>
    {
        var workers = await cluster.WorkersAsync();
        Assert.Equal(2, workers.Count);
        foreach (var worker in workers) Assert.Equal(worker.Id, (await cluster.SshAsync(worker.Address!, "hostname")).Trim());
    });

    [Fact]
    public Task Pods_reach_the_outside_and_each_other_as_policies_say()
    {
        Assert.SkipUnless(new Build().HasKubernetes, NoKubernetes);
        return InAsync(TimeSpan.FromMinutes(10), PodScenarios.PodsTalkAsPoliciesSayAsync);
    }

    [Fact]
    public Task A_worker_loses_the_disk_of_its_node_while_its_controller_restarts()
    {
        Assert.SkipUnless(new Build().HasKubernetes, NoKubernetes);
        return InAsync(TimeSpan.FromMinutes(20), LostDiskScenario.WorkerLosesTheDiskOfItsNodeWhileItsControllerRestartsAsync);
    }

    [Fact]
    public Task A_volume_follows_its_pod_from_a_worker_that_is_cut_off()
    {
        Assert.SkipUnless(new Build() is { HasKubernetes: true, HasCeph: true }, "the layers are without Kubernetes or Ceph");
        return InAsync(TimeSpan.FromMinutes(20), VolumeScenario.VolumeFollowsItsPodAsync);
    }

    private async Task InAsync(TimeSpan budget, Func<Cluster, Task> body)
    {
        var cluster = await running.GetAsync();
        await cluster.WatchAsync(budget, () => body(cluster));
    }
}
