using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Operos.Controller.Audit;
using Operos.Linux;

namespace Operos.Controller.Jobs;

/// <summary>
/// The long operations: those that run, and the last of those that ended. Each is on disk before it begins; one that the agent's end cuts
/// off goes on when the agent is back, or ends as interrupted where that cannot be.
/// </summary>
internal sealed class JobRunner
{
    private const int MostKept = 200, MostRunning = 64, LongestText = 2048;
    private static readonly TimeSpan SaveInterval = TimeSpan.FromSeconds(5);

    private readonly Lock jobsLock = new();
    private readonly JobStore store;
    private readonly AuditLog audit;
    private readonly TimeProvider time;
    private readonly ILogger<JobRunner> logger;
    private readonly Dictionary<JobKind, IJobWork> works;
    private readonly Dictionary<string, JobRecord> ended = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Job> running = new(StringComparer.Ordinal);
    private readonly List<Task> tasks = [];
    private readonly CancellationTokenSource stop = new();

    public JobRunner(JobStore store, IEnumerable<IJobWork> works, AuditLog audit, TimeProvider time, ILogger<JobRunner> logger)
    {
        (this.store, this.audit, this.time, this.logger) = (store, audit, time, logger);
        this.works = works.ToDictionary(work => work.Kind);
        foreach (var record in store.LoadAll()) ended[record.Id] = record;
    }

    /// <summary>The newest first.</summary>
    public IReadOnlyList<JobRecord> All
    {
        get
        {
            lock (jobsLock)
                return [.. running.Values.Select(job => job.Record).Concat(ended.Values).OrderByDescending(record => record.Asked)];
        }
    }

    /// <exception cref="RefusedException">There is none.</exception>
    public JobRecord Find(string id)
    {
        lock (jobsLock)
            return running.GetValueOrDefault(id)?.Record ?? ended.GetValueOrDefault(id)
                ?? throw new RefusedException(RefusalKind.NotFound, $"no job '{PrintableText.Line(id)}'", "operosctl jobs lists them");
    }

    /// <summary>Goes on with what the agent's end cut off; ends when it is cancelled and all jobs have let go.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        lock (jobsLock)
            foreach (var record in ended.Values.Where(record => record.State == JobState.Running).ToList())
            {
                ended.Remove(record.Id);
                // A version before this one did not write down which boot was to end.
                if (record is { Step: JobStep.Reboot, Boot: null })
                    Keep(Ended(record, JobState.Interrupted, "the controller ended meanwhile", works[record.Kind].NextStep(record)));
                else
                {
                    logger.Resumed(record.Id, record.Kind, record.Machine);
                    Launch(record, isResumed: true);
                }
            }
        await Task.Delay(Timeout.Infinite, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await stop.CancelAsync().ConfigureAwait(false);
        Task[] left;
        lock (jobsLock) left = [.. tasks];
        await Task.WhenAll(left).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>The job that a machine has now; null for none.</summary>
    public JobRecord? Of(string machine)
    {
        lock (jobsLock) return running.Values.FirstOrDefault(job => job.Record.Machine == machine)?.Record;
    }

    /// <summary>Begins a job. Asked for what a machine's job does already, it is that one.</summary>
    /// <exception cref="RefusedException">Another job of the machine runs, or too many do.</exception>
    public JobRecord Start(JobRecord asked)
    {
        lock (jobsLock)
        {
            if (Of(asked.Machine) is { } same)
                return same.Kind == asked.Kind ? same : throw new RefusedException(RefusalKind.Conflict,
                    $"a job runs on {same.Name} already: {In(same.Kind)} {same.Id}, asked for by {same.By}",
                    $"wait for it, or operosctl jobs cancel {same.Id}");
            if (running.Count >= MostRunning)
                throw new RefusedException(RefusalKind.Conflict, $"{running.Count} jobs run already", "wait for one: operosctl jobs");
            string id;
            do id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));
            while (running.ContainsKey(id) || ended.ContainsKey(id));
            var record = asked with { Id = id };
            // What is not on disk would be lost with the agent.
            try { store.Save(record); }
            catch (IOException e)
            {
                throw new RefusedException(RefusalKind.Conflict, $"the job cannot be written down: {e.Message}",
                    "make room on the controller's disk");
            }
            Launch(record);
            return record;
        }
    }

    /// <summary>Waits until a job has ended. Whoever waits no longer does not end it.</summary>
    public Task<JobRecord> EndAsync(string id, CancellationToken cancellationToken)
    {
        lock (jobsLock)
            return running.TryGetValue(id, out var job) ? job.Completion.Task.WaitAsync(cancellationToken) : Task.FromResult(Find(id));
    }

    /// <exception cref="RefusedException">It has ended, or cannot be taken back any more.</exception>
    public JobRecord Cancel(string id, string by)
    {
        lock (jobsLock)
        {
            if (!running.TryGetValue(id, out var job))
                throw new RefusedException(RefusalKind.Conflict, $"the job {Find(id).Id} has ended: {In(Find(id).State)}");
            if (job.IsCommitted)
                throw new RefusedException(RefusalKind.Conflict, $"the job {id} cannot be taken back any more: {job.Record.Text}",
                    $"operosctl jobs show {id}");
            job.Cancel(by);
            return job.Record;
        }
    }

    private void Launch(JobRecord record, bool isResumed = false)
    {
        var job = new Job(record, stop.Token) { Saved = time.GetUtcNow(), IsResumed = isResumed };
        running[record.Id] = job;
        tasks.RemoveAll(task => task.IsCompleted);
        tasks.Add(Task.Run(() => WorkAsync(job)));
    }

    private async Task WorkAsync(Job job)
    {
        using var owned = job;
        var work = works[job.Record.Kind];
        JobRecord end;
        try
        {
            var text = await work.RunAsync(new Progress(this, job), job.Cancelled).ConfigureAwait(false);
            end = Ended(job.Record, JobState.Done, text, null);
        }
        catch (OperationCanceledException) when (job.CancelledBy is { } by)
        {
            end = Ended(job.Record, JobState.Cancelled, $"cancelled by {by}", work.NextStep(job.Record));
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Its record stays as it is: the next agent finds it.
            job.Completion.TrySetCanceled();
            return;
        }
        catch (RefusedException e) { end = Ended(job.Record, JobState.Failed, e.Message, e.Hint); }
        catch (Exception e)
        {
            logger.Failed(e, job.Record.Id, job.Record.Kind, job.Record.Machine);
            end = Ended(job.Record, JobState.Failed, e.Message, work.NextStep(job.Record));
        }
        lock (jobsLock)
        {
            running.Remove(end.Id);
            Keep(end);
        }
        job.Completion.TrySetResult(end);
    }

    private JobRecord Ended(JobRecord record, JobState state, string text, string? hint) => record with
    {
        State = state, Text = PrintableText.Line(text, LongestText) ?? "", Hint = PrintableText.Line(hint, LongestText),
        Ended = time.GetUtcNow(),
    };

    /// <summary>Writes an outcome down, here and in the audit log, and forgets the oldest.</summary>
    private void Keep(JobRecord end)
    {
        ended[end.Id] = end;
        TrySave(end);
        logger.Ended(end.Id, end.Kind, end.Machine, end.State, end.Text);
        var entry = audit.Describe(end.By, end.Role, end.From, $"job {In(end.Kind)}", [("job", end.Id), ("machine", end.Machine)]);
        audit.Ended(entry, end.State == JobState.Done ? AuditOutcome.Done : AuditOutcome.Failed, end.State is JobState.Done
            or JobState.Failed ? end.Text : $"{In(end.State)}: {end.Text}");
        foreach (var old in ended.Values.OrderBy(record => record.Ended).Take(Math.Max(0, ended.Count - MostKept)).ToList())
        {
            ended.Remove(old.Id);
            try { store.Delete(old.Id); }
            catch (IOException e) { logger.NotSaved(old.Id, e.Message); }
        }
    }

    private bool TrySave(JobRecord record)
    {
        try { store.Save(record); }
        catch (IOException e)
        {
            logger.NotSaved(record.Id, e.Message);
            return false;
        }
        return true;
    }

    internal static string In(JobKind kind) => kind.ToString().ToLowerInvariant();

    internal static string In(JobState state) => state.ToString().ToLowerInvariant();

    private sealed class Progress(JobRunner runner, Job job) : IJobProgress
    {
        public JobRecord Record => job.Record;

        public bool IsResumed => job.IsResumed;

        public bool IsCancelled => job.CancelledBy is not null;

        public void Report(string text)
        {
            var line = PrintableText.Line(text, LongestText) ?? "";
            if (line == job.Record.Text) return;
            lock (runner.jobsLock) job.Record = job.Record with { Text = line };
            if (runner.time.GetUtcNow() - job.Saved < SaveInterval) return;
            job.Saved = runner.time.GetUtcNow();
            runner.TrySave(job.Record);
        }

        public void Tells(string boot)
        {
            // Where this cannot be written, nobody is told, and the job is not in that step.
            runner.store.Save(job.Record with { Step = JobStep.Reboot, Boot = boot });
            lock (runner.jobsLock) job.Record = job.Record with { Step = JobStep.Reboot, Boot = boot };
        }

        public void Cordons(bool keepsOff)
        {
            lock (runner.jobsLock) job.Record = job.Record with { Cordoned = keepsOff };
            runner.store.Save(job.Record);
        }

        public void Leaves(string why)
        {
            lock (runner.jobsLock) job.Record = job.Record with { Left = PrintableText.Line(why, LongestText) };
        }

        public void Commit()
        {
            lock (runner.jobsLock)
            {
                job.Cancelled.ThrowIfCancellationRequested();
                job.IsCommitted = true;
            }
        }
    }
}
