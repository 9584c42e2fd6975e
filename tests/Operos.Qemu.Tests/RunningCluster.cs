using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>
/// A native controller, and two workers that boot from it: guests, for what a worker's firmware, kernel and disks do. It is booted once,
/// when the first test asks for it; each test leaves it whole.
/// </summary>
public sealed class RunningCluster : IAsyncLifetime
{
    private static readonly TimeSpan BootBudget = TimeSpan.FromMinutes(30);
    private readonly Build build = new();
    private Task<Cluster>? boot;

    public ValueTask InitializeAsync() => default;

    /// <summary>The cluster, once it is whole and the sample service runs on both workers.</summary>
    /// <exception cref="LabException">It did not become so in time; the same for everybody who asks later.</exception>
    public Task<Cluster> GetAsync() => boot ??= build.HasCeph
        ? BootAsync(build, "Cluster", memoryMiB: VolumeScenario.MemoryMiB, disks: 1, configuration: VolumeScenario.Configuration)
        : BootAsync(build, "Cluster");

    public async ValueTask DisposeAsync()
    {
        if (boot is { IsCompletedSuccessfully: true }) await (await boot).DisposeAsync();
    }

    /// <summary>Boots one, until it is whole and the sample service runs on all workers.</summary>
    /// <param name="disks">Of each worker but the first, which has two.</param>
    /// <param name="configuration">Further tables of the controller's configuration.</param>
    /// <exception cref="LabException">It did not become so in time.</exception>
    internal static async Task<Cluster> BootAsync(Build build, string name, int workers = 2, int memoryMiB = 1536, int disks = 2,
        string configuration = "")
    {
        var folder = LabFolder.Create(Path.Combine(build.Out, "test"), name);
        var cluster = await Cluster.StartNativeAsync(build, folder, new Budget(BootBudget), configuration);
        try
        {
            await cluster.WatchAsync(BootBudget, async () =>
            {
                await cluster.PowerOnWorkersAsync(workers, memoryMiB, disks);
                await cluster.UntilWholeAsync("all workers have joined, all is well");
                if (!build.HasKubernetes) return;
                await cluster.IssueKubeconfigAsync();
                var pods = await SampleWorkload.RunAsync(cluster.Kubectl, folder, workers, cluster.Left, cluster.Token);
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
