using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Operos.Controller.Audit;
using Operos.Controller.Jobs;
using Operos.Linux;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Tests;

/// <summary>Long operations: begun once, told of while they go on, ended before their time, not lost with the agent.</summary>
public sealed class JobTests : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);
    private readonly string folder = Directory.CreateTempSubdirectory("operos-jobs-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_machine_that_is_rebooted_by_a_job_is_waited_for_until_it_is_back()
    {
        await using var controller = new TestController();
        var told = new TaskCompletionSource();
        var (id, connection, certificate) = await controller.JoinAsync(TestController.Machine(1), handler: (request, _) =>
        {
            if (request is Reboot) told.TrySetResult();
            return ValueTask.FromResult<Message>(new Done { Text = "" });
        });
        var job = (await controller.OperateAsync<JobReply>(new RebootMachine { Machine = id, Drain = true })).Job;
        Assert.Equal(("reboot", "running", id), (job.Kind, job.State, job.Machine));
        await told.Task.WaitAsync(Soon);
        // Asked for once more it is the same one, and nothing else is done to the machine meanwhile.
        Assert.Equal(job.Id, (await controller.OperateAsync<JobReply>(new RebootMachine { Machine = id, Drain = true })).Job.Id);
        var refused = await Assert.ThrowsAsync<ControlFaultException>(() =>
            controller.OperateAsync<JobReply>(new RemoveMachine { Machine = id, Detach = true }));
        Assert.Contains($"reboot {job.Id}, asked for by admin", refused.Message, StringComparison.Ordinal);
        await controller.LeaveAsync(id, connection);
        Assert.Equal("running", (await controller.OperateAsync<JobReply>(new ShowJob { Id = job.Id })).Job.State);
        var (same, back, _) = await controller.JoinAsync(TestController.Machine(1), "boot-2");
        await using var session = back;
        Assert.Equal(id, same);
        var end = await UntilEndedAsync(controller, job.Id);
        Assert.Equal(("done", $"{id} rebooted and is back"), (end.State, end.Text));
        Assert.Equal(["machines reboot", "machines reboot", "machines remove", "job reboot"],
            (await controller.OperateAsync<AuditList>(new ListAudit())).Records.Select(record => record.Operation));
        certificate.Dispose();
    }

    [Fact]
    public async Task A_reboot_that_the_controllers_own_end_cuts_off_is_not_ordered_twice_but_told_as_interrupted()
    {
        string id, job;
        await using (var controller = new TestController(folder: folder))
        {
            var told = new TaskCompletionSource();
            (id, var connection, _) = await controller.JoinAsync(TestController.Machine(1), handler: (request, _) =>
            {
                if (request is Reboot) told.TrySetResult();
                return ValueTask.FromResult<Message>(new Done { Text = "" });
            });
            await using var session = connection;
            job = (await controller.OperateAsync<JobReply>(new RebootMachine { Machine = id, Drain = true })).Job.Id;
            await told.Task.WaitAsync(Soon);
        }
        await using var again = new TestController(folder: folder);
        var end = await UntilEndedAsync(again, job);
        Assert.Equal("interrupted", end.State);
        Assert.Contains($"operosctl machines show {id}", end.Hint, StringComparison.Ordinal);
        await using (var third = new TestController(folder: folder))
            Assert.Equal("interrupted", (await third.OperateAsync<JobReply>(new ShowJob { Id = job })).Job.State);
    }

    [Fact]
    public async Task A_removal_is_a_job_that_may_be_waited_for_or_not()
    {
        await using var controller = new TestController();
        var (one, first, _) = await controller.JoinAsync(TestController.Machine(1));
        var (two, second, _) = await controller.JoinAsync(TestController.Machine(2));
        await using var sessionOne = first;
        await using var sessionTwo = second;
        Assert.StartsWith($"{one} is removed", (await controller.OperateAsync<Done>(new RemoveMachine { Machine = one })).Text,
            StringComparison.Ordinal);
        var job = (await controller.OperateAsync<JobReply>(new RemoveMachine { Machine = two, Detach = true })).Job;
        Assert.Equal("done", (await UntilEndedAsync(controller, job.Id)).State);
        Assert.Empty(controller.Registry.All);
        Assert.Equal([two, one], (await controller.OperateAsync<JobList>(new ListJobs())).Jobs.Select(listed => listed.Machine));
        Assert.Equal(FaultCode.Conflict, (await Assert.ThrowsAsync<ControlFaultException>(
            () => controller.OperateAsync<Done>(new CancelJob { Id = job.Id }))).Code);
        Assert.Equal(FaultCode.NotFound, (await Assert.ThrowsAsync<ControlFaultException>(
            () => controller.OperateAsync<JobReply>(new ShowJob { Id = "../operators/admin" }))).Code);
    }

    [Fact]
    public async Task A_job_goes_on_after_a_restart_of_the_agent_and_can_be_cancelled()
    {
        var first = new HeldWork();
        string id;
        await using (var agent = new Agent(folder, first))
        {
            id = agent.Jobs.Start(Asked("m1")).Id;
            Assert.Equal(id, agent.Jobs.Start(Asked("m1")).Id);
            Assert.False(await first.Began.Task.WaitAsync(Soon));
        }
        Assert.Equal("Running", (string)JsonNode.Parse(await File.ReadAllTextAsync(PathOf(id)))!["state"]!);
        var second = new HeldWork();
        await using (var agent = new Agent(folder, second))
        {
            Assert.True(await second.Began.Task.WaitAsync(Soon));
            Assert.Equal("waits for the test", agent.Jobs.Find(id).Text);
            agent.Jobs.Cancel(id, "bob");
            var end = await agent.Jobs.EndAsync(id, default).WaitAsync(Soon);
            Assert.Equal((JobState.Cancelled, "cancelled by bob", "look at it"), (end.State, end.Text, end.Hint));
        }
        var third = new HeldWork();
        await using (var agent = new Agent(folder, third)) Assert.Equal(JobState.Cancelled, agent.Jobs.Find(id).State);
        Assert.False(third.Began.Task.IsCompleted);
    }

    [Fact]
    public async Task What_fails_says_so_and_only_the_newest_are_kept()
    {
        var failure = new RefusedException(RefusalKind.Conflict, "no\u001b[2J", "try");
        await using var agent = new Agent(folder, new HeldWork { Failure = failure });
        for (var number = 0; number < 205; number++)
            await agent.Jobs.EndAsync(agent.Jobs.Start(Asked($"m{number}")).Id, default).WaitAsync(Soon);
        Assert.Equal(200, agent.Jobs.All.Count);
        Assert.Equal(200, Directory.GetFiles(folder, "*.json").Length);
        Assert.DoesNotContain(agent.Jobs.All, job => job.Machine is "m0" or "m4");
        Assert.All(agent.Jobs.All, job => Assert.Equal((JobState.Failed, "no [2J", "try"), (job.State, job.Text, job.Hint)));
    }

    [Fact]
    public async Task A_damaged_record_is_set_aside_and_a_newer_version_s_is_refused_by_name()
    {
        await using (var agent = new Agent(folder, new HeldWork { Failure = new RefusedException(RefusalKind.Conflict, "no") }))
            await agent.Jobs.EndAsync(agent.Jobs.Start(Asked("m1")).Id, default).WaitAsync(Soon);
        var path = Assert.Single(Directory.GetFiles(folder, "*.json"));
        var newer = JsonNode.Parse(await File.ReadAllTextAsync(path))!;
        newer["format"] = 2;
        await File.WriteAllTextAsync(path, newer.ToJsonString());
        Assert.Contains(path, Assert.Throws<RecordFormatException>(() => Store().LoadAll()).Message, StringComparison.Ordinal);
        await File.WriteAllTextAsync(path, "{");
        Assert.Empty(Store().LoadAll());
        Assert.True(File.Exists(path + ".damaged"));
    }

    private static async Task<JobSummary> UntilEndedAsync(TestController controller, string id)
    {
        for (var attempt = 0; ; attempt++)
        {
            var job = (await controller.OperateAsync<JobReply>(new ShowJob { Id = id })).Job;
            if (job.State != "running") return job;
            Assert.True(attempt < 200, $"{job.Kind} still runs after 20 s: {job.Text}");
            await Task.Delay(100);
        }
    }

    private static JobRecord Asked(string machine) => new()
    {
        Id = "", Kind = JobKind.Drain, Machine = machine, Name = machine, By = "alice", Role = "operator", From = "192.0.2.7",
        Asked = DateTimeOffset.UtcNow, Deadline = DateTimeOffset.UtcNow, State = JobState.Running, Text = "begins",
    };

    private string PathOf(string id) => Path.Combine(folder, id + ".json");

    private JobStore Store() => new(folder, NullLogger<JobStore>.Instance);

    /// <summary>Work that lasts until it is ended, or that fails at once.</summary>
    private sealed class HeldWork : IJobWork
    {
        public Exception? Failure { get; init; }

        /// <summary>Whether it was gone on with.</summary>
        public TaskCompletionSource<bool> Began { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public JobKind Kind => JobKind.Drain;

        public async Task<string> RunAsync(IJobProgress progress, CancellationToken cancellationToken)
        {
            if (Failure is not null) throw Failure;
            progress.Report("waits for the test");
            Began.TrySetResult(progress.IsResumed);
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return "";
        }

        public string NextStep(JobRecord record) => "look at it";
    }

    /// <summary>The jobs' part of an agent, from its start to its end.</summary>
    private sealed class Agent : IAsyncDisposable
    {
        private readonly CancellationTokenSource stop = new();
        private readonly Task running;

        public Agent(string folder, IJobWork work)
        {
            var audit = new AuditLog(Path.Combine(folder, "audit"), TimeProvider.System, NullLogger<AuditLog>.Instance);
            Jobs = new JobRunner(new JobStore(folder, NullLogger<JobStore>.Instance), [work], audit, TimeProvider.System,
                NullLogger<JobRunner>.Instance);
            running = Jobs.RunAsync(stop.Token);
        }

        public JobRunner Jobs { get; }

        public async ValueTask DisposeAsync()
        {
            await stop.CancelAsync();
            await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            stop.Dispose();
        }
    }
}
