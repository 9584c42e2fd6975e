using Operos.Controller.Cluster;
using Operos.Controller.Connections;
using Operos.Controller.Machines;

namespace Operos.Controller.Jobs;

/// <summary>
/// Drains a machine, reboots it, waits until it is back and its Node is Ready, and lets pods come again where it was this job that kept
/// them off. What comes to nothing before the machine was told leaves it as it was.
/// </summary>
internal sealed class RebootWork(DrainWork drain, RebootOrder order, Sessions sessions, KubernetesCluster? cluster, TimeProvider time)
    : IJobWork
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1), LongestUndoing = TimeSpan.FromSeconds(15),
        LongestJoining = TimeSpan.FromMinutes(10), LongestReconnecting = TimeSpan.FromMinutes(5);

    public JobKind Kind => JobKind.Reboot;

    public string NextStep(JobRecord record)
    {
        var uncordon = $"operosctl machines uncordon {record.Machine}";
        return record.Step == JobStep.Reboot
            ? $"operosctl machines show {record.Machine} says whether it rebooted"
                + (record.HoldsCordon ? $"; when it is up: {uncordon}" : "")
            : "it was not rebooted and " + (record.HoldsCordon ? $"takes no new pods: {uncordon}" : "is as it was");
    }

    public async Task<string> RunAsync(IJobProgress progress, CancellationToken cancellationToken)
    {
        var job = progress.Record;
        // Nobody is rebooted twice for one word: an agent before this one may have told it.
        if (job.Boot is not { } before) before = await TellAsync(progress, cancellationToken).ConfigureAwait(false);
        else await GoOnAsync(progress, before, cancellationToken).ConfigureAwait(false);
        await UntilAsync(progress, Readmission.RebootWindow, () => IsBack(job.Machine, before) ? null
            : sessions.Get(job.Machine) is null ? "is down; waits for it to come back" : "was told to reboot; waits for it to go down",
            () => $"{job.Machine} did not come back within {Readmission.RebootWindow.TotalMinutes:0} minutes", cancellationToken)
            .ConfigureAwait(false);
        if (cluster is null) return $"{job.Name} rebooted and is back";
        var left = progress.Record.Left is { } why ? $"; {why}" : "";
        var missing = "";
        await UntilAsync(progress, LongestJoining, () => NotReady(job.Machine) is { } reason
            ? $"is back; waits for its Node to be Ready: {missing = reason}" : null,
            () => $"{job.Machine} rebooted and is back, but its Node is not Ready after {LongestJoining.TotalMinutes:0} minutes: {missing}",
            cancellationToken).ConfigureAwait(false);
        if (progress.Record.HoldsCordon)
        {
            await drain.UncordonAsync(progress, cancellationToken).ConfigureAwait(false);
            return $"{job.Name} rebooted, is back and takes pods again{left}";
        }
        return $"{job.Name} rebooted and is back{left}" + (cluster.IsCordoned(job.Machine)
            ? $"; it takes no new pods, as before: operosctl machines uncordon {job.Machine}" : "");
    }

    /// <summary>Drains the machine and tells it.</summary>
    /// <returns>The boot that it is in until it has done so.</returns>
    private async Task<string> TellAsync(IJobProgress progress, CancellationToken cancellationToken)
    {
        var job = progress.Record;
        try
        {
            if (!job.LeavesPods)
                await drain.DrainAsync(progress, "with --force it is rebooted all the same, and these end with it", cancellationToken)
                    .ConfigureAwait(false);
            if (job.OnlyBoot is not null)
                await UntilAsync(progress, LongestReconnecting,
                    () => sessions.Get(job.Machine) is { BootId.Length: > 0 } ? null : "waits for it to be connected",
                    () => $"{job.Machine} is not connected", cancellationToken).ConfigureAwait(false);
            var before = (sessions.Get(job.Machine) ?? throw RebootOrder.NotConnected(job.Machine)).BootId;
            if (job.OnlyBoot is { } meant && meant != before)
                throw new RefusedException(RefusalKind.Conflict, $"{job.Name} has booted anew meanwhile");
            progress.Tells(before);
            await order.GiveAsync(job.Machine, job.By, cancellationToken).ConfigureAwait(false);
            return before;
        }
        catch (Exception e) when (e is RefusedException or IOException)
        {
            await UndoAsync(progress).ConfigureAwait(false);
            var now = progress.Record.HoldsCordon ? $"takes no new pods: operosctl machines uncordon {job.Machine}" : "is as it was";
            var (kind, hint) = e is RefusedException refused ? (refused.Kind, refused.Hint)
                : (RefusalKind.Conflict, "make room on the controller's disk");
            throw new RefusedException(kind, e.Message, $"it was not rebooted and {now}" + (hint is null ? "" : $"; {hint}"));
        }
        catch (OperationCanceledException) when (progress.IsCancelled && progress.Record.Step != JobStep.Reboot)
        {
            await UndoAsync(progress).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// Tells a machine that the agent before this one ended in front of telling: it is up, in that boot, and no word of it is kept.
    /// </summary>
    private async Task GoOnAsync(IJobProgress progress, string before, CancellationToken cancellationToken)
    {
        var job = progress.Record;
        if (order.WasGiven(job.Machine)) return;
        await UntilAsync(progress, Readmission.RebootWindow,
            () => sessions.Get(job.Machine) is null ? "waits for it to be connected" : null,
            () => $"{job.Machine} is not connected", cancellationToken).ConfigureAwait(false);
        if (sessions.Get(job.Machine)?.BootId == before)
            await order.GiveAsync(job.Machine, job.By, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Lets pods come again, within bounds; where that fails the record says so.</summary>
    private async Task UndoAsync(IJobProgress progress)
    {
        using var deadline = new CancellationTokenSource(LongestUndoing);
        try { await drain.UncordonAsync(progress, deadline.Token).ConfigureAwait(false); }
        catch (Exception e) when (e is RefusedException or OperationCanceledException or IOException) { }
    }

    /// <param name="waitsFor">What is missing; null where nothing is.</param>
    /// <param name="failure">What is said where that lasts too long.</param>
    private async Task UntilAsync(IJobProgress progress, TimeSpan patience, Func<string?> waitsFor, Func<string> failure,
        CancellationToken cancellationToken)
    {
        for (var began = time.GetTimestamp(); waitsFor() is { } missing;
            await Task.Delay(Pause, time, cancellationToken).ConfigureAwait(false))
        {
            progress.Report(missing);
            if (time.GetElapsedTime(began) > patience)
                throw new RefusedException(RefusalKind.Conflict, failure(), NextStep(progress.Record));
        }
    }

    private string? NotReady(string machine) => cluster?.NotReady(machine, sessions.Get(machine)?.BootId);

    private bool IsBack(string machine, string before) =>
        sessions.Get(machine) is { BootId: { Length: > 0 } boot } session && boot != before && session.IsUp(time.GetUtcNow());
}
