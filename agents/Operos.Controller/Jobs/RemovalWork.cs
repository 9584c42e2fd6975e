using Operos.Controller.Cluster;
using Operos.Controller.Connections;
using Operos.Controller.Machines;

namespace Operos.Controller.Jobs;

/// <summary>Drains a machine and takes it out of the cluster. Each step may be done twice.</summary>
internal sealed class RemovalWork(DrainWork drain, MachineRegistry machines, Sessions sessions, KubernetesCluster? cluster) : IJobWork
{
    private static readonly TimeSpan LongestForgetting = TimeSpan.FromSeconds(15);

    public JobKind Kind => JobKind.Remove;

    public string NextStep(JobRecord record) =>
        $"it is still in the cluster and may take no new pods: operosctl machines remove {record.Machine} goes on, operosctl machines "
        + $"uncordon {record.Machine} keeps it";

    public async Task<string> RunAsync(IJobProgress progress, CancellationToken cancellationToken)
    {
        var job = progress.Record;
        // Gone already where the agent ended just after.
        if (machines.Get(job.Machine) is { Standing: MachineStanding.Admitted })
            await drain.DrainAsync(progress, "it takes no new pods now; try again, or remove it with --force", cancellationToken)
                .ConfigureAwait(false);
        progress.Commit();
        progress.Report("takes it out of the cluster");
        machines.Remove(job.Machine);
        await sessions.CloseAsync(job.Machine).ConfigureAwait(false);
        if (cluster is not null)
        {
            using var deadline = new CancellationTokenSource(LongestForgetting);
            // Where this takes too long, the Node goes when the API server lets it: no machine of its name is admitted.
            try { await cluster.ForgetAsync(job.Machine, deadline.Token).ConfigureAwait(false); }
            catch (OperationCanceledException) { }
        }
        return $"{job.Name} is removed; its certificate no longer counts. If it asks to join again, it waits: operosctl machines approve";
    }
}
