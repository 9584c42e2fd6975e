using Operos.Controller.Cluster;
using Operos.Controller.Connections;
using Operos.Controller.Jobs;
using Operos.Controller.Machines;
using Operos.Proto;

namespace Operos.Controller.Operations;

/// <summary>Begins jobs, and tells of them as operators see them.</summary>
internal sealed class JobStart(JobRunner jobs, TimeProvider time)
{
    /// <summary>The job that a machine has now; null for none.</summary>
    public JobRecord? Of(MachineRecord machine) => jobs.Of(machine.Id);

    /// <summary>What is done at once is not done in the middle of a job.</summary>
    /// <exception cref="RefusedException">A job runs on the machine.</exception>
    public void RequireNone(MachineRecord machine, string otherwise)
    {
        if (jobs.Of(machine.Id) is { } job)
            throw new RefusedException(RefusalKind.Conflict,
                $"a job runs on {job.Name} already: {JobRunner.In(job.Kind)} {job.Id}, asked for by {job.By}: {job.Text}",
                $"operosctl jobs cancel {job.Id}; {otherwise}");
    }

    /// <summary>Begins a job, or joins one that does the same.</summary>
    /// <exception cref="RefusedException">It cannot be begun now.</exception>
    public JobRecord Begin(JobKind kind, MachineRecord machine, Caller caller, int drainSeconds, bool force, bool leavesPods = false)
    {
        var now = time.GetUtcNow();
        return jobs.Start(new JobRecord
        {
            Id = "", Kind = kind, Machine = machine.Id, Name = machine.Name ?? machine.Id, By = caller.Name,
            Role = caller.Role.ToString().ToLowerInvariant(), From = caller.From, Asked = now,
            Deadline = now + DrainLimits.TimeOf(drainSeconds), Force = force, LeavesPods = leavesPods,
            State = JobState.Running, Text = "begins",
        });
    }

    /// <summary>Waits for a job as for an operation that is none: what it could not do is refused.</summary>
    public async Task<Message> FinishAsync(JobRecord job, CancellationToken cancellationToken)
    {
        var end = await jobs.EndAsync(job.Id, cancellationToken).ConfigureAwait(false);
        return end.State == JobState.Done
            ? new Done { Text = end.Text } : throw new RefusedException(RefusalKind.Conflict, end.Text, end.Hint);
    }

    public static JobReply Reply(JobRecord job) => new() { Job = Describe(job) };

    public static JobSummary Describe(JobRecord job) => new()
    {
        Id = job.Id, Kind = JobRunner.In(job.Kind), Machine = job.Machine, Name = job.Name, By = job.By,
        State = JobRunner.In(job.State), Text = job.Text, Hint = job.Hint, AskedUnixMs = job.Asked.ToUnixTimeMilliseconds(),
        EndedUnixMs = job.Ended?.ToUnixTimeMilliseconds() ?? 0,
    };
}

/// <summary>Takes a machine's pods away, as a job.</summary>
internal sealed class MachineDrain(MachineRegistry machines, KubernetesCluster? cluster, JobStart start)
    : Operation<DrainMachine>("machines drain", OperatorRole.Operator)
{
    protected override IEnumerable<(string Name, string? Value)> Record(DrainMachine input) =>
        [("machine", input.Machine), ("drain-seconds", $"{input.DrainSeconds}")];

    protected override Task<Message> RunAsync(DrainMachine input, Caller caller, CancellationToken cancellationToken)
    {
        var machine = machines.Find(input.Machine);
        if (cluster is null) throw MachineDiagnosis.NoKubernetes();
        if (machine.Standing != MachineStanding.Admitted)
            throw new RefusedException(RefusalKind.Conflict, $"{machine.Name ?? machine.Id} is not admitted: it has no pods");
        return Task.FromResult<Message>(JobStart.Reply(start.Begin(JobKind.Drain, machine, caller, input.DrainSeconds, force: false)));
    }
}

/// <summary>Keeps new pods from coming to a machine; those on it stay. A job that keeps them away would let them come again.</summary>
internal sealed class MachineCordoning(MachineRegistry machines, KubernetesCluster? cluster, JobStart start)
    : Operation<CordonMachine>("machines cordon", OperatorRole.Operator)
{
    protected override IEnumerable<(string Name, string? Value)> Record(CordonMachine input) => [("machine", input.Machine)];

    protected override async Task<Message> RunAsync(CordonMachine input, Caller caller, CancellationToken cancellationToken)
    {
        var machine = machines.Find(input.Machine);
        start.RequireNone(machine, "wait for its end, then: operosctl machines cordon");
        await (cluster ?? throw MachineDiagnosis.NoKubernetes()).CordonAsync(machine.Id, cancellationToken).ConfigureAwait(false);
        return Outcome.Done(machine, "takes no new pods; those on it stay");
    }
}

/// <summary>Lets pods come to a machine again; not in the middle of a job that keeps them away.</summary>
internal sealed class MachineUncordoning(MachineRegistry machines, KubernetesCluster? cluster, JobStart start)
    : Operation<UncordonMachine>("machines uncordon", OperatorRole.Operator)
{
    protected override IEnumerable<(string Name, string? Value)> Record(UncordonMachine input) => [("machine", input.Machine)];

    protected override async Task<Message> RunAsync(UncordonMachine input, Caller caller, CancellationToken cancellationToken)
    {
        var machine = machines.Find(input.Machine);
        start.RequireNone(machine, "it takes pods again when that ends, or then: operosctl machines uncordon");
        await (cluster ?? throw MachineDiagnosis.NoKubernetes()).UncordonAsync(machine.Id, cancellationToken).ConfigureAwait(false);
        return Outcome.Done(machine, "takes pods again");
    }
}

/// <summary>Drains a machine and takes it out of the cluster, as a job; its certificate no longer counts.</summary>
internal sealed class MachineRemoval(MachineRegistry machines, JobStart start)
    : Operation<RemoveMachine>("machines remove", OperatorRole.Operator)
{
    protected override IEnumerable<(string Name, string? Value)> Record(RemoveMachine input) =>
        [("machine", input.Machine), ("drain-seconds", $"{input.DrainSeconds}"), ("force", input.Force ? "yes" : null)];

    protected override async Task<Message> RunAsync(RemoveMachine input, Caller caller, CancellationToken cancellationToken)
    {
        var machine = machines.Find(input.Machine);
        if (machine.Kind == "controller") throw new RefusedException(RefusalKind.Conflict, "the controller cannot remove itself");
        var job = start.Begin(JobKind.Remove, machine, caller, input.DrainSeconds, input.Force);
        return input.Detach ? JobStart.Reply(job) : await start.FinishAsync(job, cancellationToken).ConfigureAwait(false);
    }
}

/// <summary>
/// Has a worker shut down cleanly and start again; where it is to be drained first and opened to pods afterwards, or waited for, as a job.
/// </summary>
internal sealed class MachineReboot(MachineRegistry machines, Sessions sessions, RebootOrder order, JobStart start)
    : Operation<RebootMachine>("machines reboot", OperatorRole.Operator)
{
    protected override IEnumerable<(string Name, string? Value)> Record(RebootMachine input) =>
    [
        ("machine", input.Machine), ("drain", input.Drain ? "yes" : null), ("drain-seconds", input.Drain ? $"{input.DrainSeconds}" : null),
        ("force", input.Force ? "yes" : null), ("wait", input.Wait ? "yes" : null),
    ];

    protected override async Task<Message> RunAsync(RebootMachine input, Caller caller, CancellationToken cancellationToken)
    {
        var machine = machines.Find(input.Machine);
        if (machine.Kind == "controller")
            throw new RefusedException(RefusalKind.Conflict,
                $"{machine.Name ?? machine.Id} is the controller, which does not reboot itself: until it is back nobody answers operators, "
                + "and no machine boots; workers and their pods go on meanwhile",
                "on its console, or over ssh as root: systemctl reboot");
        var isJob = input.Drain || input.Wait;
        if (isJob && start.Of(machine) is { } running)
            return JobStart.Reply(start.Begin(JobKind.Reboot, machine, caller, input.DrainSeconds, input.Force)) with
                { Joined = running.Kind == JobKind.Reboot };
        if (!input.Force)
        {
            start.RequireNone(machine, "--force reboots it all the same");
            order.RequireNone(machine);
        }
        if (!isJob)
            return Outcome.Done(machine, await order.GiveAsync(machine.Id, caller.Name, cancellationToken).ConfigureAwait(false));
        if (sessions.Get(machine.Id) is null)
            throw new RefusedException(RefusalKind.Conflict, $"{machine.Name ?? machine.Id} is not connected", "power-cycle it by hand");
        return JobStart.Reply(start.Begin(JobKind.Reboot, machine, caller, input.DrainSeconds, input.Force, leavesPods: !input.Drain));
    }
}

/// <summary>Every job that runs, and the last that ended.</summary>
internal sealed class JobListing(JobRunner jobs) : Reading<ListJobs>("jobs")
{
    protected override Message Read(ListJobs input, Caller caller) => new JobList { Jobs = [.. jobs.All.Select(JobStart.Describe)] };
}

/// <summary>One job.</summary>
internal sealed class JobDescription(JobRunner jobs) : Reading<ShowJob>("jobs show")
{
    protected override Message Read(ShowJob input, Caller caller) => JobStart.Reply(jobs.Find(input.Id));
}

/// <summary>Ends a job before its time.</summary>
internal sealed class JobCancellation(JobRunner jobs) : Operation<CancelJob>("jobs cancel", OperatorRole.Operator)
{
    protected override IEnumerable<(string Name, string? Value)> Record(CancelJob input) => [("job", input.Id)];

    protected override async Task<Message> RunAsync(CancelJob input, Caller caller, CancellationToken cancellationToken)
    {
        jobs.Cancel(input.Id, caller.Name);
        var end = await jobs.EndAsync(input.Id, cancellationToken).ConfigureAwait(false);
        return new Done { Text = $"{JobRunner.In(end.Kind)} of {end.Name} is {JobRunner.In(end.State)}: {end.Hint ?? end.Text}" };
    }
}
