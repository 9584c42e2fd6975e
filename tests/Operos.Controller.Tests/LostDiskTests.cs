using System.Security.Cryptography;
using Operos.Controller.Jobs;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Tests;

/// <summary>Machines that lost the disk of their node: rebooted without an operator, by rules, and never for ever.</summary>
public sealed class LostDiskTests : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);
    private readonly string folder = Directory.CreateTempSubdirectory("operos-lost-disks-").FullName;
    private int orders;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task It_is_rebooted_once_for_a_boot_and_one_that_loses_a_disk_again_is_left_to_an_operator()
    {
        await using var controller = new TestController();
        var (id, first) = await JoinAsync(controller, 1, "boot-1");
        controller.LostDisks.Look();
        Assert.Empty(await JobsAsync(controller));
        await LoseAsync(first, "boot-1");
        Assert.EndsWith("; it is drained and rebooted in a moment", await NoteAsync(controller, id), StringComparison.Ordinal);
        controller.LostDisks.Look();
        await UntilAsync(() => orders == 1);
        controller.LostDisks.Look();
        var job = Assert.Single(await JobsAsync(controller));
        Assert.Equal(("reboot", id, LostDisks.Asker), (job.Kind, job.Machine, job.By));
        Assert.Contains(controller.Registry.Get(id)!.Events, happened =>
            happened.Text == $"lost the disk with containerd's and the kubelet's folders: it is drained and rebooted, job {job.Id}");
        await controller.LeaveAsync(id, first);

        var (_, second) = await JoinAsync(controller, 1, "boot-2");
        await UntilAsync(async () => (await JobsAsync(controller))[0].State == "done");
        Assert.Null(controller.Registry.Get(id)!.Alarm);
        foreach (var ahead in (double[])[0, 60])
        {
            controller.Clock.Ahead = TimeSpan.FromMinutes(ahead);
            await LoseAsync(second, "boot-2");
            controller.LostDisks.Look();
            Assert.Single(await JobsAsync(controller));
            Assert.Contains("again within 24 hours, and is not rebooted for it again by itself", await AlarmAsync(controller),
                StringComparison.Ordinal);
        }
        await controller.LeaveAsync(id, second);
        controller.Clock.Ahead = TimeSpan.FromHours(25);
        var (_, third) = await JoinAsync(controller, 1, "boot-3");
        await LoseAsync(third, "boot-3");
        controller.LostDisks.Look();
        Assert.Equal(2, (await JobsAsync(controller)).Count);
        await third.DisposeAsync();
    }

    [Fact]
    public async Task One_machine_at_a_time_is_rebooted_and_none_while_another_is_down()
    {
        await using var controller = new TestController();
        var (one, first) = await JoinAsync(controller, 1, "boot-1");
        var (two, second) = await JoinAsync(controller, 2, "boot-1");
        var (three, third) = await JoinAsync(controller, 3, "boot-1");
        await using var sessionOne = first;
        await using var sessionTwo = second;
        await LoseAsync(first, "boot-1");
        await LoseAsync(second, "boot-1");
        await controller.LeaveAsync(three, third);
        controller.LostDisks.Look();
        Assert.Empty(await JobsAsync(controller));
        Assert.Contains($"; it is drained and rebooted once {three} is up (operosctl machines remove ", await NoteAsync(controller, one),
            StringComparison.Ordinal);
        controller.Clock.Ahead = TimeSpan.FromMinutes(1);
        var (_, back) = await JoinAsync(controller, 3, "boot-2");
        await using var sessionThree = back;
        await LoseAsync(first, "boot-1");
        await LoseAsync(second, "boot-1");
        controller.LostDisks.Look();
        controller.LostDisks.Look();
        var job = Assert.Single(await JobsAsync(controller));
        var other = job.Machine == one ? two : one;
        Assert.EndsWith($"; it is drained and rebooted once reboot {job.Id} of {job.Machine} has ended", await NoteAsync(controller, other),
            StringComparison.Ordinal);
        await UntilAsync(() => orders == 1);
    }

    [Fact]
    public async Task What_an_operator_ordered_of_the_machine_stands()
    {
        await using var controller = new TestController();
        var (id, connection) = await JoinAsync(controller, 1, "boot-1");
        await using var session = connection;
        await controller.OperateAsync<Done>(new RebootMachine { Machine = id });
        await LoseAsync(connection, "boot-1");
        controller.LostDisks.Look();
        Assert.Empty(await JobsAsync(controller));
        // It did not go. What an operator cancels is not begun again.
        controller.Clock.Ahead = TimeSpan.FromMinutes(21);
        await LoseAsync(connection, "boot-1");
        controller.LostDisks.Look();
        await UntilAsync(() => orders == 2);
        var job = Assert.Single(await JobsAsync(controller));
        await controller.OperateAsync<Done>(new CancelJob { Id = job.Id });
        controller.Clock.Ahead = TimeSpan.FromMinutes(60);
        await LoseAsync(connection, "boot-1");
        controller.LostDisks.Look();
        Assert.Equal(job.Id, Assert.Single(await JobsAsync(controller)).Id);
        Assert.Contains($", its reboot cancelled ({job.Id}: cancelled by admin), and is not rebooted", await AlarmAsync(controller),
            StringComparison.Ordinal);
        Assert.Equal(2, orders);
    }

    [Fact]
    public async Task Where_that_is_off_it_is_told_and_nothing_is_done()
    {
        await using var controller = new TestController(heals: false);
        var (id, connection) = await JoinAsync(controller, 1, "boot-1");
        await using var session = connection;
        await LoseAsync(connection, "boot-1");
        controller.LostDisks.Look();
        Assert.Empty(await JobsAsync(controller));
        Assert.Equal($"{id} lost the disk with containerd's and the kubelet's folders, and nothing is done about it by itself "
            + $"(storage.heal): operosctl machines reboot {id} --force", await AlarmAsync(controller));
    }

    /// <summary>One that kept another disk with volumes shows its secret; one that did not would wait for an operator.</summary>
    [Fact]
    public async Task Where_its_return_would_need_an_operator_its_reboot_does_too()
    {
        await using var controller = new TestController(readmission: Configuration.ReadmissionPolicy.Approve);
        var (id, connection) = await JoinAsync(controller, 1, "boot-1");
        await using var session = connection;
        await LoseAsync(connection, "boot-1");
        controller.LostDisks.Look();
        Assert.Empty(await JobsAsync(controller));
        Assert.Contains("(cluster.readmission), so that nothing is done by itself", await AlarmAsync(controller), StringComparison.Ordinal);
        var volumes = new DiskUse { Use = "volumes", Bytes = 1 << 30, MountedAt = "/v" };
        await connection.CallAsync<Done>(new ReportDisks
            { Disks = [new DiskState { Name = "sdb", Identity = "wwn:1", Class = "ours", Uses = [volumes] }] }, default);
        controller.LostDisks.Look();
        Assert.Single(await JobsAsync(controller));
    }

    [Fact]
    public async Task A_boot_that_the_machine_did_not_enrol_in_counts_for_nothing()
    {
        await using var controller = new TestController();
        var (_, connection) = await JoinAsync(controller, 1, "boot-1");
        await using var session = connection;
        await LoseAsync(connection, "boot-7");
        controller.LostDisks.Look();
        Assert.Empty(await JobsAsync(controller));
    }

    [Fact]
    public async Task A_restart_of_the_controller_forgets_neither_the_reboot_nor_the_loss()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string id, job;
        await using (var controller = new TestController(folder: folder))
        {
            (id, var connection) = await JoinAsync(controller, 1, "boot-1", key);
            await using var session = connection;
            await LoseAsync(connection, "boot-1");
            controller.LostDisks.Look();
            job = Assert.Single(await JobsAsync(controller)).Id;
            await UntilAsync(() => orders == 1);
        }
        await using var again = new TestController(folder: folder);
        // It has not gone down yet: the same boot is there once more.
        var (_, still) = await JoinAsync(again, 1, "boot-1", key);
        await LoseAsync(still, "boot-1");
        again.LostDisks.Look();
        Assert.Equal(job, Assert.Single(await JobsAsync(again)).Id);
        await again.LeaveAsync(id, still);
        var (_, back) = await JoinAsync(again, 1, "boot-2");
        await using var up = back;
        await UntilAsync(async () => (await JobsAsync(again))[0].State == "done");
        await LoseAsync(back, "boot-2");
        again.LostDisks.Look();
        Assert.Equal((job, 1), (Assert.Single(await JobsAsync(again)).Id, orders));
        Assert.Contains("again within 24 hours", await AlarmAsync(again), StringComparison.Ordinal);
    }

    /// <summary>The agent ended before it told the machine, which is away for a moment, or has booted anew.</summary>
    [Theory]
    [InlineData("boot-1", 1)]
    [InlineData("boot-2", 0)]
    public async Task A_machine_is_rebooted_in_the_boot_of_the_loss_alone(string boot, int told)
    {
        string id;
        await using (var controller = new TestController(folder: folder))
        {
            (id, var connection) = await JoinAsync(controller, 1, "boot-0");
            await controller.LeaveAsync(id, connection);
        }
        Directory.CreateDirectory(Path.Combine(folder, "jobs"));
        await File.WriteAllTextAsync(Path.Combine(folder, "jobs/1234abcd.json"), $$"""
            { "format": 1, "id": "1234abcd", "kind": "Reboot", "machine": "{{id}}", "name": "{{id}}", "by": "{{LostDisks.Asker}}",
              "role": "controller", "from": "", "asked": "2026-11-28T10:00:00+00:00", "deadline": "2026-11-28T10:01:00+00:00",
              "force": true, "onlyBoot": "boot-1", "state": "Running", "step": "Drain", "text": "evicts its pods" }
            """);
        await using var again = new TestController(folder: folder);
        await UntilAsync(async () => (await JobsAsync(again))[0].Text == "waits for it to be connected");
        again.Clock.Ahead = TimeSpan.FromMinutes(1);
        var (_, back) = await JoinAsync(again, 1, boot);
        await using var session = back;
        if (told > 0) await UntilAsync(() => orders == told);
        else
        {
            await UntilAsync(async () => (await JobsAsync(again))[0].State == "failed");
            Assert.Equal($"{id} has booted anew meanwhile", (await JobsAsync(again))[0].Text);
        }
        Assert.Equal(told, orders);
    }

    private async Task<(string Id, ControlConnection Connection)> JoinAsync(TestController controller, int machine, string boot,
        ECDsa? key = null)
    {
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(machine), boot, (request, _) =>
        {
            if (request is Reboot) Interlocked.Increment(ref orders);
            return ValueTask.FromResult<Message>(new Done { Text = "rebooting" });
        }, key);
        return (id, connection);
    }

    private static Task LoseAsync(ControlConnection connection, string boot) =>
        connection.CallAsync<HeartbeatReply>(TestController.Beat(boot) with { LostNodeDisk = true }, default);

    private static async Task<IReadOnlyList<JobSummary>> JobsAsync(TestController controller) =>
        (await controller.OperateAsync<JobList>(new ListJobs())).Jobs;

    private static async Task<string?> NoteAsync(TestController controller, string id) =>
        (await controller.OperateAsync<MachineDetail>(new ShowMachine { Machine = id })).Summary.Note;

    private static async Task<string> AlarmAsync(TestController controller) =>
        Assert.Single((await controller.OperateAsync<StatusReply>(new ShowStatus())).Alarms);

    private static Task UntilAsync(Func<bool> holds) => UntilAsync(() => Task.FromResult(holds()));

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        for (var clock = System.Diagnostics.Stopwatch.StartNew(); !await holds(); await Task.Delay(50))
            Assert.True(clock.Elapsed < Soon, $"not so after {Soon.TotalSeconds} s");
    }
}
