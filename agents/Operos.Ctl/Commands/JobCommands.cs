using System.CommandLine;
using System.Diagnostics;
using Operos.Ctl.Rendering;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Ctl.Commands;

/// <summary><c>operosctl jobs</c>: long operations, and how other commands wait for theirs.</summary>
internal static class JobCommands
{
    private const string IsRunning = "running", IsDone = "done", Wait = "--wait";
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(100), Pause = TimeSpan.FromSeconds(1),
        ControllerPatience = TimeSpan.FromMinutes(2);

    public static Command Create()
    {
        var list = new Command("list", "List long operations");
        var jobs = new Command("jobs", "List long operations; subcommands show and cancel one") { list, Show(), Cancel() };
        foreach (var command in (Command[])[list, jobs]) command.Shows<JobList>(_ => new ListJobs(), RenderList);
        return jobs;
    }

    /// <summary>Gives a command the choice whether the end of its job is waited for, which is usual.</summary>
    /// <returns>Whether it is.</returns>
    public static Func<ParseResult, bool> Waits(Command command)
    {
        var noWait = new Option<bool>("--no-wait") { Description = "Print the job's id and do not wait for its end: operosctl jobs" };
        var wait = new Option<bool>(Wait) { Description = "Wait for the end and tell how far it is, as is done anyway unless --no-wait or "
            + "--now is given" };
        command.Options.Add(wait);
        command.Options.Add(noWait);
        command.Validators.Add(result =>
        {
            if (result.GetValue(wait) && result.GetValue(noWait)) result.AddError($"give {Wait} or --no-wait");
        });
        return result => !result.GetValue(noWait);
    }

    /// <summary>Whether the command line says <c>--wait</c> itself.</summary>
    public static bool IsAskedToWait(ParseResult result) => result.GetValue<bool>(Wait);

    /// <summary>Asks for what is done as a job, and waits for its end unless told not to; progress goes to standard error.</summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="ControlFaultException">It was refused, or not done.</exception>
    public static async Task<int> DoAsync(ParseResult result, Message request, bool waits, CancellationToken cancellationToken)
    {
        switch (await Credentials.AskAsync<Message>(result, request, cancellationToken))
        {
            case Fault fault: throw new ControlFaultException(fault);
            // Over so soon that it was no job, or the controller is of a version that had none.
            case Done done: Console.WriteLine(Terminal.Page(done.Text)); return 0;
            case JobReply { Job: var job } when !waits: Console.WriteLine(Terminal.Line(job.Id)); return 0;
            case JobReply { Job: var job, Joined: var joined }:
                await Console.Error.WriteLineAsync(Terminal.Line(joined
                    ? $"{job.Name}: {job.Kind} goes on already, asked for by {job.By}, job {job.Id}: {job.Text}"
                    : $"{job.Name}: {job.Kind}, job {job.Id}"));
                try { return await FollowAsync(result, job, cancellationToken); }
                catch (OperationCanceledException)
                {
                    await Console.Error.WriteLineAsync(Terminal.Line(
                        $"{job.Name}: the {job.Kind} goes on: operosctl jobs show {job.Id}; to end it: operosctl jobs cancel {job.Id}"));
                    throw;
                }
            case var other: throw new IOException($"the controller answered with {other.GetType().Name}");
        }
    }

    internal static string RenderList(JobList list)
    {
        var now = DateTimeOffset.UtcNow;
        return list.Jobs.Count == 0 ? "no jobs: operosctl machines drain, reboot and remove begin some\n"
            : Table.Render(["JOB", "WHAT", "MACHINE", "BY", "ASKED", "STATE", ""],
                [.. list.Jobs.Select(job => (IReadOnlyList<string>)
                    [job.Id, job.Kind, job.Name, job.By, Figures.Age(job.AskedUnixMs, now), job.State, job.Text])]);
    }

    internal static string RenderJob(JobReply reply)
    {
        var (job, now) = (reply.Job, DateTimeOffset.UtcNow);
        var ended = job.EndedUnixMs > 0 ? $", ended {Figures.Age(job.EndedUnixMs, now)}" : "";
        return Terminal.Line($"{job.Kind} of {job.Name} ({job.Machine}), job {job.Id}") + "\n"
            + Terminal.Line($"asked for by {job.By} {Figures.Age(job.AskedUnixMs, now)}{ended}") + "\n"
            + Terminal.Line($"{job.State}: {job.Text}") + "\n"
            + (job.Hint is null ? "" : Terminal.Line($"next: {job.Hint}") + "\n");
    }

    private static Command Show()
    {
        var id = JobArgument();
        var command = new Command("show", "Show one job") { id };
        command.Shows<JobReply>(result => new ShowJob { Id = result.GetRequiredValue(id) }, RenderJob);
        return command;
    }

    private static Command Cancel()
    {
        var id = JobArgument();
        var command = new Command("cancel", "End a job before its time") { id };
        command.Does(result => new CancelJob { Id = result.GetRequiredValue(id) });
        return command;
    }

    /// <summary>The controller may restart meanwhile: the job goes on, and so does the waiting for it.</summary>
    private static async Task<int> FollowAsync(ParseResult result, JobSummary job, CancellationToken cancellationToken)
    {
        var heard = Stopwatch.StartNew();
        var shown = "";
        for (var pause = Soon; job.State == IsRunning; pause = Pause)
        {
            await Task.Delay(pause, cancellationToken);
            try
            {
                job = (await Credentials.AskAsync<JobReply>(result, new ShowJob { Id = job.Id }, cancellationToken)).Job;
                heard.Restart();
            }
            catch (Exception e) when (e is IOException or TimeoutException && heard.Elapsed < ControllerPatience) { continue; }
            if (job.State != IsRunning || job.Text == shown) continue;
            await Console.Error.WriteLineAsync(Terminal.Line($"{job.Name}: {shown = job.Text}"));
        }
        if (job.State != IsDone)
            throw new ControlFaultException(new Fault { Code = FaultCode.Conflict, Hint = job.Hint,
                Text = job.State == "failed" ? job.Text : $"the job {job.Id} is {job.State}: {job.Text}" });
        Console.WriteLine(Terminal.Page(job.Text));
        return 0;
    }

    private static Argument<string> JobArgument() => new("job") { Description = "The job's id, as operosctl jobs lists it" };
}
