namespace Operos.Lab;

/// <summary>What was seen of a cluster as it booted, before it was saved.</summary>
/// <param name="Hostnames">Of each worker: its id, and the name that it gave itself.</param>
/// <param name="ControllerSystem">systemd's word on the controller.</param>
public sealed record ClusterBoot(
    TimeSpan ToServing, TimeSpan ToReady, IReadOnlyList<(string Id, string Hostname)> Hostnames, string ControllerSystem);

/// <summary>
/// A cluster that is booted once in a run and saved in each state; who needs one starts from a copy. A state is made when it is first asked
/// for.
/// </summary>
public sealed class ClusterStates : IAsyncDisposable
{
    private static readonly TimeSpan StepBudget = TimeSpan.FromMinutes(25);
    private readonly Build build = new();
    private readonly Dictionary<ClusterState, Task<SavedCluster>> states = [];
    private readonly Lock statesLock = new();
    private TimeSpan toServing;
    private ClusterBoot? boot;

    /// <summary>Boots a cluster, where none was yet.</summary>
    /// <exception cref="LabException">It did not become whole in time; the same for everybody who asks later.</exception>
    public async Task<ClusterBoot> BootAsync()
    {
        await GetAsync(ClusterState.Ready).ConfigureAwait(false);
        return boot!;
    }

    /// <summary>A copy that works, within the caller's budget; making the state first has a budget of its own.</summary>
    /// <param name="name">Of its folder below <c>out/test</c>.</param>
    public async Task<Cluster> StartAsync(ClusterState state, string name, TimeSpan budget)
    {
        var saved = await GetAsync(state).ConfigureAwait(false);
        return await saved.StartAsync(Folder(name), new Budget(budget)).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var state in states.Values)
            if (state.IsCompletedSuccessfully) (await state.ConfigureAwait(false)).Dispose();
    }

    private Task<SavedCluster> GetAsync(ClusterState state)
    {
        lock (statesLock)
        {
            if (!states.TryGetValue(state, out var saved))
                states[state] = saved = state switch
                {
                    ClusterState.Serving => ServingAsync(),
                    ClusterState.Ready => ReadyAsync(),
                    _ => WithWorkloadAsync(),
                };
            return saved;
        }
    }

    private async Task<SavedCluster> ServingAsync()
    {
        var budget = new Budget(StepBudget);
        await using var cluster = await Cluster.CreateAsync(build, Folder("serving"), budget).ConfigureAwait(false);
        return await SaveAsync(cluster, ClusterState.Serving, async () =>
        {
            await cluster.PowerOnControllerAsync(savable: true).ConfigureAwait(false);
            await cluster.UntilAsync("the controller answers", _ => true).ConfigureAwait(false);
            toServing = cluster.Elapsed;
        }).ConfigureAwait(false);
    }

    /// <summary>
    /// The controller serves boot traffic long before its API server is healthy; the workers' boot fills the core that it leaves.
    /// </summary>
    private async Task<SavedCluster> ReadyAsync()
    {
        var serving = await GetAsync(ClusterState.Serving).ConfigureAwait(false);
        var budget = new Budget(StepBudget);
        await using var cluster = await serving.StartAsync(Folder("ready"), budget, savable: true).ConfigureAwait(false);
        return await SaveAsync(cluster, ClusterState.Ready, async () =>
        {
            await cluster.PowerOnWorkersAsync(savable: true).ConfigureAwait(false);
            await cluster.UntilWholeAsync("both workers have joined, all is well").ConfigureAwait(false);
            var toReady = toServing + cluster.Elapsed;
            var names = new List<(string, string)>();
            foreach (var worker in await cluster.WorkersAsync().ConfigureAwait(false))
                names.Add((worker.Id, (await cluster.SshAsync(worker.Address!, "hostname").ConfigureAwait(false)).Trim()));
            var system = await cluster.SshAsync(ControllerDisk.Address, "systemctl is-system-running --wait").ConfigureAwait(false);
            boot = new ClusterBoot(toServing, toReady, names, system.Trim());
            if (build.HasKubernetes) await cluster.IssueKubeconfigAsync().ConfigureAwait(false);
            await cluster.UntilWholeAsync("all is well still").ConfigureAwait(false);
        }).ConfigureAwait(false);
    }

    private async Task<SavedCluster> WithWorkloadAsync()
    {
        var ready = await GetAsync(ClusterState.Ready).ConfigureAwait(false);
        var budget = new Budget(StepBudget);
        await using var cluster = await ready.StartAsync(Folder("with-workload"), budget, savable: true).ConfigureAwait(false);
        return await SaveAsync(cluster, ClusterState.WithWorkload, async () =>
        {
            var pods = await SampleWorkload.RunAsync(cluster.Kubectl, cluster.Folder, cluster.Left, cluster.Token).ConfigureAwait(false);
            var nodes = pods.Select(pod => pod.Node).ToList();
            await SampleWorkload.AskAllAsync(cluster.Kubectl, pods[0].Pod, nodes, cluster.Left, cluster.Token).ConfigureAwait(false);
            cluster.Tell("pods on both workers answer by their service's name");
        }).ConfigureAwait(false);
    }

    private LabFolder Folder(string name) => LabFolder.Create(Path.Combine(build.Out, "test"), $"Cluster-{name}");

    private static async Task<SavedCluster> SaveAsync(Cluster cluster, ClusterState state, Func<Task> reach)
    {
        SavedCluster? saved = null;
        await cluster.WatchAsync(async () =>
        {
            await reach().ConfigureAwait(false);
            saved = await cluster.SaveAsync(state).ConfigureAwait(false);
        }).ConfigureAwait(false);
        return saved!;
    }
}
