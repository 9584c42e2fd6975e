using System.Security.Cryptography;
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
    public async Task A_reboot_that_the_controllers_own_end_cuts_off_goes_on_and_is_not_ordered_twice()
    {
        var told = new TaskCompletionSource();
        var orders = 0;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        ValueTask<Message> Answer(Message request, CancellationToken cancellationToken)
        {
            if (request is Reboot && Interlocked.Increment(ref orders) > 0) told.TrySetResult();
            return ValueTask.FromResult<Message>(new Done { Text = "" });
        }
        string id, job;
        await using (var controller = new TestController(folder: folder))
        {
            (id, var connection, _) = await controller.JoinAsync(TestController.Machine(1), handler: Answer, key: key);
            await using var session = connection;
            job = (await controller.OperateAsync<JobReply>(new RebootMachine { Machine = id, Drain = true })).Job.Id;
            await told.Task.WaitAsync(Soon);
        }
        await using var again = new TestController(folder: folder);
        // It has not gone down yet: the same boot is there once more.
        var (same, still, _) = await again.JoinAsync(TestController.Machine(1), handler: Answer, key: key);
        Assert.Equal(id, same);
        await WaitForTextAsync(again, job, "was told to reboot; waits for it to go down");
        await again.LeaveAsync(id, still);
        await WaitForTextAsync(again, job, "is down; waits for it to come back");
        var (_, back, _) = await again.JoinAsync(TestController.Machine(1), "boot-2", handler: Answer);
        await using var up = back;
        var end = await UntilEndedAsync(again, job);
        Assert.Equal(("done", $"{id} rebooted and is back", 1), (end.State, end.Text, orders));
    }

    [Fact]
    public async Task A_machine_that_the_agent_ended_in_front_of_telling_is_told_by_the_next()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string id;
        await using (var controller = new TestController(folder: folder))
        {
            (id, var connection, _) = await controller.JoinAsync(TestController.Machine(1), key: key);
            await connection.DisposeAsync();
        }
        await WriteRebootAsync(id);
        await using var again = new TestController(folder: folder);
        await WaitForTextAsync(again, "1234abcd", "waits for it to be connected");
        var told = new TaskCompletionSource();
        var (_, still, _) = await again.JoinAsync(TestController.Machine(1), key: key, handler: (request, _) =>
        {
            if (request is Reboot) told.TrySetResult();
            return ValueTask.FromResult<Message>(new Done { Text = "" });
        });
        await told.Task.WaitAsync(Soon);
        await again.LeaveAsync(id, still);
        var (_, back, _) = await again.JoinAsync(TestController.Machine(1), "boot-2");
        await using var up = back;
        Assert.Equal("done", (await UntilEndedAsync(again, "1234abcd")).State);
    }

    [Fact]
    public async Task A_resumed_reboot_ends_for_no_machine_before_the_API_server_told_which_Nodes_there_are()
    {
        string id;
        await using (var controller = new TestController(folder: folder))
        {
            (id, var connection, _) = await controller.JoinAsync(TestController.Machine(1));
            await controller.LeaveAsync(id, connection);
        }
        await WriteRebootAsync(id);
        await using var again = new TestController(folder: folder, kubernetes: true);
        again.Clock.Ahead = TimeSpan.FromMinutes(1);
        var (_, back, _) = await again.JoinAsync(TestController.Machine(1), "boot-2");
        await using var session = back;
        await WaitForTextAsync(again, "1234abcd",
            "is back; waits for its Node to be Ready: the API server has not told yet which Nodes there are");
        Assert.Empty((await again.OperateAsync<StatusReply>(new ShowStatus())).Nodes);
    }

    [Fact]
    public async Task A_reboot_of_whose_boot_nothing_was_written_down_is_told_as_interrupted()
    {
        string id;
        await using (var agent = new Agent(folder, new HeldWork())) id = agent.Jobs.Start(Asked("m1")).Id;
        var record = JsonNode.Parse(await File.ReadAllTextAsync(PathOf(id)))!;
        record["step"] = "Reboot";
        await File.WriteAllTextAsync(PathOf(id), record.ToJsonString());
        for (var agents = 0; agents < 2; agents++)
        {
            await using var again = new Agent(folder, new HeldWork());
            var end = await again.Jobs.EndAsync(id, default).WaitAsync(Soon);
            Assert.Equal((JobState.Interrupted, "look at it"), (end.State, end.Hint));
        }
    }

    [Fact]
    public async Task What_is_done_at_once_is_not_done_in_the_middle_of_a_machine_s_job()
    {
        await using var controller = new TestController();
        var told = new TaskCompletionSource();
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1), handler: (request, _) =>
        {
            if (request is Reboot) told.TrySetResult();
            return ValueTask.FromResult<Message>(new Done { Text = "" });
        });
        await using var session = connection;
        var job = (await controller.OperateAsync<JobReply>(new RebootMachine { Machine = id, Drain = true })).Job.Id;
        await told.Task.WaitAsync(Soon);
        foreach (var order in (Message[])
            [new RebootMachine { Machine = id }, new CordonMachine { Machine = id }, new UncordonMachine { Machine = id }])
        {
            var refused = await Assert.ThrowsAsync<ControlFaultException>(() => controller.OperateAsync<Done>(order));
            Assert.StartsWith($"a job runs on {id} already: reboot {job}, asked for by admin: ", refused.Message,
                StringComparison.Ordinal);
            Assert.StartsWith($"operosctl jobs cancel {job}; ", refused.Hint, StringComparison.Ordinal);
        }
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
        var store = Store();
        Assert.Empty(store.LoadAll());
        Assert.Contains($"{path} is of format 2", Assert.Single(store.Unreadable), StringComparison.Ordinal);
        Assert.Equal([path], Directory.GetFiles(folder));
        await File.WriteAllTextAsync(path, "{");
        Assert.Empty(Store().LoadAll());
        Assert.True(File.Exists(path + ".damaged"));
    }

    /// <summary>A file of its name that cannot be replaced, as on a disk that takes nothing.</summary>
    [Fact]
    public async Task A_damaged_record_that_cannot_be_set_aside_keeps_no_agent_from_starting()
    {
        var path = PathOf("1234abcd");
        await File.WriteAllTextAsync(path, "{");
        Directory.CreateDirectory(Path.Combine(path + ".damaged", "full"));
        var store = Store();
        Assert.Empty(store.LoadAll());
        Assert.Contains("cannot be set aside", Assert.Single(store.Unreadable), StringComparison.Ordinal);
        Assert.True(File.Exists(path));
    }

    [Theory]
    [InlineData("\"keepsCordon\": false", true)]
    [InlineData("\"keepsCordon\": true", false)]
    [InlineData("\"keepsCordon\": false, \"cordoned\": false", false)]
    [InlineData("\"cordoned\": true", true)]
    [InlineData("\"force\": false", false)]
    public async Task A_reboot_that_a_version_before_began_lets_pods_come_again_where_it_kept_them_off(string member, bool holds)
    {
        await File.WriteAllTextAsync(PathOf("1234abcd"), $$"""
            { "format": 1, "id": "1234abcd", "kind": "Reboot", "machine": "m1", "name": "m1", "by": "alice", "role": "operator",
              "from": "192.0.2.7", "asked": "2026-11-28T10:00:00+00:00", "deadline": "2026-11-28T10:01:00+00:00", "state": "Running",
              "step": "Drain", "text": "evicts its pods", {{member}} }
            """);
        Assert.Equal(holds, Assert.Single(Store().LoadAll()).HoldsCordon);
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

    /// <summary>A machine was told to reboot, or was about to be, when the agent ended.</summary>
    private Task WriteRebootAsync(string machine)
    {
        Directory.CreateDirectory(Path.Combine(folder, "jobs"));
        return File.WriteAllTextAsync(Path.Combine(folder, "jobs/1234abcd.json"), $$"""
            { "format": 1, "id": "1234abcd", "kind": "Reboot", "machine": "{{machine}}", "name": "{{machine}}", "by": "alice",
              "role": "operator", "from": "192.0.2.7", "asked": "2026-11-28T10:00:00+00:00", "deadline": "2026-11-28T10:01:00+00:00",
              "state": "Running", "step": "Reboot", "boot": "boot-1", "text": "evicts its pods" }
            """);
    }

    private static async Task WaitForTextAsync(TestController controller, string id, string text)
    {
        for (var attempt = 0; ; attempt++)
        {
            var job = (await controller.OperateAsync<JobReply>(new ShowJob { Id = id })).Job;
            if (job.Text == text) return;
            Assert.True(attempt < 200 && job.State == "running", $"{job.State} and not '{text}': {job.Text}");
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
