using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>
/// A native controller with Ceph, and three workers that boot from it: guests, for what a worker's firmware, kernel and disks do. With
/// three a pool has each of its copies on a machine of its own, and takes what is written while one of them is away. It is booted once,
/// when the first test asks for it; each test leaves it whole.
/// </summary>
public sealed class RunningCluster : IAsyncLifetime
{
    private static readonly TimeSpan BootBudget = TimeSpan.FromMinutes(30);
    private const int Workers = 3, MemoryMiB = 3072;
    private readonly Build build = new();
    private Task<Cluster>? boot;

    public ValueTask InitializeAsync() => default;

    /// <summary>The cluster, once it is whole and the sample service runs on all workers.</summary>
    /// <exception cref="LabException">It did not become so in time; the same for everybody who asks later.</exception>
    public Task<Cluster> GetAsync() => boot ??= BootAsync();

    public async ValueTask DisposeAsync()
    {
        if (boot is { IsCompletedSuccessfully: true }) await (await boot).DisposeAsync();
    }

    private async Task<Cluster> BootAsync()
    {
        var folder = LabFolder.Create(Path.Combine(build.Out, "test"), "Cluster");
        var cluster = await Cluster.StartNativeAsync(build, folder, new Budget(BootBudget),
            build.HasCeph ? "[storage]\nceph = true\n" : "");
        try
        {
            await cluster.WatchAsync(BootBudget, async () =>
            {
                await cluster.PowerOnWorkersAsync(Workers, MemoryMiB, disks: 1);
                await cluster.UntilWholeAsync("all workers have joined, all is well");
                if (!build.HasKubernetes) return;
                await cluster.IssueKubeconfigAsync();
                var pods = await SampleWorkload.RunAsync(cluster.Kubectl, folder, Workers, cluster.Left, cluster.Token);
                await SampleWorkload.AskAllAsync(cluster.Kubectl, pods[0].Pod, [.. pods.Select(pod => pod.Node)], cluster.Left,
                    cluster.Token);
                cluster.Tell("pods on all workers answer by their service's name");
            });
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }
}
