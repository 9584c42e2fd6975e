using Operos.Controller.Cluster;
using Operos.Controller.Connections;
using Operos.Controller.Machines;

namespace Operos.Controller.Jobs;

/// <summary>Drains a machine, reboots it, waits until it is back, and lets pods come again.</summary>
internal sealed class RebootWork(DrainWork drain, RebootOrder order, Sessions sessions, KubernetesCluster? cluster, TimeProvider time)
    : IJobWork
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    public JobKind Kind => JobKind.Reboot;

    public string NextStep(JobRecord record) => record.Step == JobStep.Reboot
        ? $"operosctl machines show {record.Machine} says whether it rebooted; when it is up: operosctl machines uncordon {record.Machine}"
        : $"it was not rebooted and may take no new pods: operosctl machines uncordon {record.Machine}";

    public async Task<string> RunAsync(IJobProgress progress, CancellationToken cancellationToken)
    {
        var job = progress.Record;
        await drain.DrainAsync(progress, $"it was not rebooted and takes no new pods now; try again with --force, or operosctl machines "
            + $"uncordon {job.Machine}", cancellationToken).ConfigureAwait(false);
        var before = sessions.Get(job.Machine)?.BootId;
        // Nobody is rebooted twice for one word: where the agent ends from here on, an operator looks.
        progress.Begin(JobStep.Reboot);
        await order.GiveAsync(job.Machine, job.By, cancellationToken).ConfigureAwait(false);
        progress.Report("waits for it to come back");
        for (var began = time.GetTimestamp(); !IsBack(job.Machine, before);
            await Task.Delay(Pause, time, cancellationToken).ConfigureAwait(false))
            if (time.GetElapsedTime(began) > Readmission.RebootWindow)
                throw new RefusedException(RefusalKind.Conflict,
                    $"{job.Machine} did not come back within {Readmission.RebootWindow.TotalMinutes:0} minutes", NextStep(progress.Record));
        if (cluster is null || job.KeepsCordon) return $"{job.Name} rebooted and is back";
        await cluster.UncordonAsync(job.Machine, cancellationToken).ConfigureAwait(false);
        return $"{job.Name} rebooted, is back and takes pods again";
    }

    private bool IsBack(string machine, string? before) =>
        sessions.Get(machine) is { BootId: { Length: > 0 } boot } session && boot != before && session.IsUp(time.GetUtcNow());
}
