using Operos.Controller.Cluster;

namespace Operos.Controller.Jobs;

/// <summary>Takes a machine's pods away and keeps new ones from coming.</summary>
/// <param name="cluster">Null where no Kubernetes runs: then there are none.</param>
/// <param name="isLacking">Whether Kubernetes is to run and cannot: then there are pods, and nobody to ask.</param>
internal sealed class DrainWork(KubernetesCluster? cluster, bool isLacking, TimeProvider time) : IJobWork
{
    /// <summary>What one that is gone on with has at least, however long the controller was away.</summary>
    private static readonly TimeSpan LeastAfterRestart = TimeSpan.FromSeconds(30), ApiServerPatience = TimeSpan.FromMinutes(5);

    public JobKind Kind => JobKind.Drain;

    public string NextStep(JobRecord record) =>
        $"it takes no new pods: operosctl machines drain {record.Machine} goes on, operosctl machines uncordon {record.Machine} ends it";

    public async Task<string> RunAsync(IJobProgress progress, CancellationToken cancellationToken)
    {
        await DrainAsync(progress, "it takes no new pods now; try again, or operosctl machines uncordon "
            + progress.Record.Machine, cancellationToken).ConfigureAwait(false);
        return $"{progress.Record.Name} is drained and takes no new pods: operosctl machines uncordon {progress.Record.Machine}";
    }

    /// <param name="hint">What an operator does where pods stay.</param>
    /// <exception cref="RefusedException">Pods are left, and force was not asked for.</exception>
    internal async Task DrainAsync(IJobProgress progress, string hint, CancellationToken cancellationToken)
    {
        var job = progress.Record;
        if (isLacking && !job.Force)
            throw new RefusedException(RefusalKind.Conflict, "its pods cannot be evicted: Kubernetes cannot run on the controller",
                "operosctl status says why; --force takes no heed of pods");
        if (cluster is null) return;
        var left = job.Deadline - time.GetUtcNow();
        if (progress.IsResumed)
        {
            if (left < LeastAfterRestart) left = LeastAfterRestart;
            progress.Report("waits for the API server, after a restart of the controller");
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            patience.CancelAfter(ApiServerPatience);
            try { await cluster.ApiServerAsync(patience.Token).ConfigureAwait(false); }
            // Then the drain itself says what is wrong with it.
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested) { }
        }
        progress.Report("evicts its pods");
        if (await cluster.DrainAsync(job.Machine, new DrainLimits(left, job.Force, hint), () => progress.Cordons(true), progress.Report,
            cancellationToken).ConfigureAwait(false) is { } why) progress.Leaves(why);
    }

    /// <summary>Lets pods come again where it is this job that keeps them off.</summary>
    /// <exception cref="RefusedException">The API server does not take it.</exception>
    internal async Task UncordonAsync(IJobProgress progress, CancellationToken cancellationToken)
    {
        if (cluster is null || !progress.Record.HoldsCordon) return;
        await cluster.UncordonAsync(progress.Record.Machine, cancellationToken).ConfigureAwait(false);
        progress.Cordons(false);
    }
}
