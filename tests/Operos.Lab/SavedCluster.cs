namespace Operos.Lab;

/// <summary>How far a cluster is. Each state is the one before it and a step more.</summary>
public enum ClusterState
{
    /// <summary>The controller answers and serves boot traffic; its API server may not be healthy yet.</summary>
    Serving,
    /// <summary>Two workers have booted, everything is healthy; all three are Ready where the layers have Kubernetes.</summary>
    Ready,
    /// <summary>A pod of the sample service runs on each worker and answers.</summary>
    WithWorkload,
}

/// <summary>
/// A cluster whose machines were saved at one moment. Its clocks stand still meanwhile: copies wake at the time at which it was saved, all
/// of them equally far behind this host, and nothing in the rack knows the time better. They are not set: a controller's clock set by hand
/// cost about 30 processor seconds. What compares a guest's clock with this host's, as a short-lived certificate read here would, was not
/// tried. A machine that starts again gets a hardware clock that is as far behind.
/// </summary>
/// <param name="Moment">The guests' wall time at which it was saved.</param>
/// <param name="Kubeconfig">The operator's; null where none was issued.</param>
public sealed record SavedCluster(
    Build Build, ControllerDisk Disk, ClusterState State, IReadOnlyList<SavedMachine> Machines, DateTime Moment, string? Kubeconfig)
    : IDisposable
{
    /// <summary>Wakes a copy in a network of its own, and waits until it has proved that it works.</summary>
    /// <param name="folder">Taken over, also where it fails.</param>
    /// <param name="savable">The copy is to be saved in its turn.</param>
    public async Task<Cluster> StartAsync(LabFolder folder, Budget budget, bool savable = false)
    {
        var machines = new MachineGroup();
        Cluster? cluster = null;
        try
        {
            Cluster.RequireMemory();
            var network = await LabNetwork.CreateAsync(folder, $"{Cluster.HostAddress}/24", budget.Token).ConfigureAwait(false);
            foreach (var machine in Machines)
            {
                var copy = await machine.CopyAsync(folder, savable, budget.Token).ConfigureAwait(false);
                var options = copy with { ClockBehind = DateTime.UtcNow - Moment };
                await machines.StartAsync(options, network, folder, budget.Token).ConfigureAwait(false);
            }
            cluster = new Cluster(Build, folder, network, Disk, budget, machines, Moment);
            if (Kubeconfig is not null) cluster.Kubectl = new Kubectl(Build, network, Kubeconfig);
            await Task.WhenAll(machines.Machines.Select(machine => machine.ResumeAsync(budget.Token))).ConfigureAwait(false);
            cluster.Tell($"woke up {DateTime.UtcNow - Moment:h\\:mm\\:ss} behind");
            await cluster.WatchAsync(() => cluster.ProveAsync(State)).ConfigureAwait(false);
            return cluster;
        }
        catch (Exception e)
        {
            var why = budget.Why(e);
            if (cluster is not null) await cluster.DisposeAsync().ConfigureAwait(false);
            machines.Dispose();
            folder.Dispose();
            budget.Dispose();
            throw new LabException($"the saved cluster did not wake: {why}");
        }
    }

    public void Dispose()
    {
        foreach (var machine in Machines) machine.Dispose();
    }
}
