using Microsoft.Extensions.Logging;
using Operos.Controller.Cluster;
using Operos.Controller.Connections;
using Operos.Controller.Machines;

namespace Operos.Controller.Jobs;

/// <summary>What becomes of a machine that lost the disk with containerd's and the kubelet's folders.</summary>
/// <param name="Text">In words that follow the machine's name.</param>
/// <param name="IsForOperator">Whether nothing more is done without an operator.</param>
internal sealed record LostDiskWords(string Text, bool IsForOperator);

/// <summary>
/// Drains and reboots machines that lost the disk with containerd's and the kubelet's folders, whose next boot uses another: one machine at
/// a time, while all other workers are up; once for each boot; and none that lost one shortly before, too, which might go on for ever.
/// Pods that do not end in time are no obstacle: what they run on is gone.
/// </summary>
/// <param name="heals">Whether that is wanted; else it is merely told.</param>
/// <param name="waitsForOperator">
/// Whether a machine would come back by an operator's word alone, since no other disk is left that shows its secret.
/// </param>
/// <param name="isLacking">Whether Kubernetes is to run and cannot: then no machine would come back as a node.</param>
internal sealed class LostDisks(MachineRegistry machines, Sessions sessions, JobRunner jobs, KubernetesCluster? cluster, bool heals,
    bool isLacking, Func<string, bool> waitsForOperator, TimeProvider time, ILogger<LostDisks> logger)
{
    /// <summary>Who asks for these reboots, where other jobs name an operator.</summary>
    public const string Asker = "the controller (lost disk)";

    private const string Lost = "lost the disk with containerd's and the kubelet's folders";

    /// <summary>A machine that loses a disk sooner after the last one is left to an operator.</summary>
    private static readonly TimeSpan Again = TimeSpan.FromHours(24);
    private static readonly TimeSpan Glance = TimeSpan.FromSeconds(5);

    /// <summary>Why the last one could not be begun; null where it could.</summary>
    private volatile string? refusal;

    /// <summary>Looks after all machines until it is told to end.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Look();
            await Task.Delay(Glance, time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Begins what is to be done now; no more than one machine's reboot.</summary>
    public void Look()
    {
        if (!heals) return;
        foreach (var record in machines.All)
        {
            if (BootOfLoss(record) is not { } boot || record.LostDisk?.Boot == boot || HasOrder(record)) continue;
            if (record.LostDisk is { } before && time.GetUtcNow() - before.At < Again)
            {
                Note(record, boot, null, $"{Lost} again within {Again.TotalHours:0} hours: an operator decides");
                logger.LeftToOperator(record.Id);
            }
            else if (!waitsForOperator(record.Id) && Obstacle(record) is null) Reboot(record, boot);
        }
    }

    /// <summary>How it stands with a machine; null where it has its disk, or is not up.</summary>
    public LostDiskWords? Of(MachineRecord record)
    {
        if (BootOfLoss(record) is not { } boot) return null;
        var order = $"operosctl machines reboot {record.Id} --force";
        if (jobs.Of(record.Id) is { } job)
            return new($"{Lost}; {JobRunner.In(job.Kind)} {job.Id}, asked for by {job.By}: {job.Text}", IsForOperator: false);
        if (HasOrder(record)) return new($"{Lost}; rebooting, {record.RebootOrdered}", IsForOperator: false);
        if (!heals) return new($"{Lost}, and nothing is done about it by itself (storage.heal): {order}", IsForOperator: true);
        if (record.LostDisk is { } loss && loss.Boot == boot)
            return new($"{Lost}{(loss.Job is null ? $" again within {Again.TotalHours:0} hours" : Outcome(loss.Job))}, and is not "
                + $"rebooted for it again by itself: look at its disks (operosctl disks list), then {order}", IsForOperator: true);
        if (waitsForOperator(record.Id))
            return new($"{Lost}, and no other disk to show its secret: it would wait for an operator when it is back "
                + $"(cluster.readmission), so that nothing is done by itself: {order}", IsForOperator: true);
        var obstacle = Obstacle(record);
        var when = obstacle is { } first ? $"once {first.Text}" : refusal is { } why ? $"once that can be: {why}" : "in a moment";
        return new($"{Lost}; it is drained and rebooted {when}", obstacle?.IsForOperator == true);
    }

    private string Outcome(string job) => jobs.All.FirstOrDefault(known => known.Id == job) is { } ended
        ? $", its reboot {JobRunner.In(ended.State)} ({ended.Id}: {ended.Text})" : $", its reboot {job} ended";

    /// <summary>
    /// The boot in which a machine that is up lost the disk, as it says; null where it did not. It is the boot that it enrolled in: none
    /// may claim another with each heartbeat.
    /// </summary>
    private string? BootOfLoss(MachineRecord record) =>
        record is { Standing: MachineStanding.Admitted, Kind: "worker" } && sessions.Get(record.Id) is { Last: { LostNodeDisk: true } beat }
            session && session.IsUp(time.GetUtcNow()) && beat.BootId == record.BootId ? beat.BootId : null;

    /// <summary>Whether something else is being done to it.</summary>
    private bool HasOrder(MachineRecord record) => jobs.Of(record.Id) is not null || record.IsRebooting(time.GetUtcNow());

    /// <summary>What must come first, in words that follow "once"; null where nothing must.</summary>
    private (string Text, bool IsForOperator)? Obstacle(MachineRecord record)
    {
        var now = time.GetUtcNow();
        if (jobs.All.FirstOrDefault(job => job.State == JobState.Running && job.Machine != record.Id) is { } job)
            return ($"{JobRunner.In(job.Kind)} {job.Id} of {job.Name} has ended", false);
        var others = machines.All.Where(other => other is { Standing: MachineStanding.Admitted, Kind: "worker" } && other.Id != record.Id);
        if (others.FirstOrDefault(other => other.IsRebooting(now) || sessions.Get(other.Id)?.IsUp(now) != true) is { } away)
            return ($"{away.Name ?? away.Id} is up (operosctl machines remove takes out one that is gone for good)",
                !away.IsRebooting(now));
        return isLacking || cluster?.CanDrain == false ? ("the API server works", false) : null;
    }

    private void Reboot(MachineRecord record, string boot)
    {
        var now = time.GetUtcNow();
        JobRecord job;
        try
        {
            job = jobs.Start(new JobRecord
            {
                Id = "", Kind = JobKind.Reboot, Machine = record.Id, Name = record.Name ?? record.Id, By = Asker, Role = "controller",
                From = "", Asked = now, Deadline = now + DrainLimits.TimeOf(0), Force = true, State = JobState.Running, Text = "begins",
                OnlyBoot = boot,
            });
        }
        catch (RefusedException e)
        {
            if (refusal != e.Message) logger.NotBegun(record.Id, e.Message);
            refusal = e.Message;
            return;
        }
        refusal = null;
        // An operator's came first.
        if (job.By != Asker) return;
        // The job is on disk: whatever becomes of this note, the next agent goes on with it.
        Note(record, boot, job.Id, $"{Lost}: it is drained and rebooted, job {job.Id}");
        logger.LostDisk(record.Id, job.Id);
    }

    private void Note(MachineRecord record, string boot, string? job, string happened)
    {
        var now = time.GetUtcNow();
        machines.Note(record.Id, known => (known with { LostDisk = new(boot, now, job) }).With(now, happened));
    }
}
