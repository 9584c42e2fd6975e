using Operos.Controller.Cluster;
using Operos.Controller.Machines;
using Operos.ControlPlane.Components;
using Operos.Hardware.Inventories;
using Operos.Kubernetes.Objects;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Tests;

/// <summary>Machines that are told to reboot, or come back without a word: what operators are told of them meanwhile.</summary>
public sealed class RebootOrderTests : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);
    private readonly string folder = Directory.CreateTempSubdirectory("operos-reboots-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_machine_that_was_told_to_reboot_is_rebooting_until_it_is_back_and_a_second_order_says_so()
    {
        await using var controller = new TestController();
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1), handler: Reboots);
        await controller.OperateAsync<Done>(new RebootMachine { Machine = id });
        var still = await ShownAsync(controller, id);
        Assert.Equal("rebooting", still.State);
        Assert.Matches("^rebooting, told by admin at [0-9:]{8} UTC: it still answers$", still.Note);
        var again = await Assert.ThrowsAsync<ControlFaultException>(
            () => controller.OperateAsync<Done>(new RebootMachine { Machine = id }));
        Assert.StartsWith($"{id} is rebooting already: told by admin at ", again.Message, StringComparison.Ordinal);
        Assert.Contains("--force", again.Hint, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ControlFaultException>(() => controller.OperateAsync<JobReply>(
            new RebootMachine { Machine = id, Drain = true }));
        await controller.OperateAsync<Done>(new RebootMachine { Machine = id, Force = true });

        await controller.LeaveAsync(id, connection);
        Assert.Contains("goes down or boots", (await ShownAsync(controller, id)).Note, StringComparison.Ordinal);
        Assert.Equal("rebooting", Assert.Single((await controller.OperateAsync<MachineList>(new ListMachines())).Machines).State);
        Assert.Equal(0, (await controller.OperateAsync<StatusReply>(new ShowStatus())).MachinesUp);
        var (_, back, _) = await controller.JoinAsync(TestController.Machine(1), "boot-2");
        await using var session = back;
        var detail = await controller.OperateAsync<MachineDetail>(new ShowMachine { Machine = id });
        Assert.Equal(("up", null), (detail.Summary.State, detail.Summary.Note));
        Assert.Matches("^booted, address 127.0.0.1, told by admin at ", detail.Events[^1].Text);
    }

    [Fact]
    public async Task One_that_did_not_come_back_or_did_not_go_is_told_when_the_time_for_it_is_over()
    {
        await using var controller = new TestController();
        var (id, connection, certificate) = await controller.JoinAsync(TestController.Machine(1), handler: Reboots);
        await controller.OperateAsync<Done>(new RebootMachine { Machine = id });
        controller.Clock.Ahead = TimeSpan.FromMinutes(21);
        await connection.CallAsync<HeartbeatReply>(TestController.Beat("boot-1"), default);
        var stayed = await ShownAsync(controller, id);
        Assert.Equal("up", stayed.State);
        Assert.EndsWith("UTC to reboot, and did not", stayed.Note, StringComparison.Ordinal);
        await controller.LeaveAsync(id, connection);
        var lost = await ShownAsync(controller, id);
        Assert.Equal("down", lost.State);
        Assert.Contains("did not come back", lost.Note, StringComparison.Ordinal);
        certificate.Dispose();
    }

    [Theory]
    [InlineData("Auto")]
    [InlineData("Approve")]
    public async Task A_return_that_nobody_ordered_says_that_the_machine_crashed_or_lost_power(string policy)
    {
        await using var controller = new TestController(readmission: Enum.Parse<Configuration.ReadmissionPolicy>(policy));
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1));
        await controller.LeaveAsync(id, connection);
        controller.Clock.Ahead = TimeSpan.FromMinutes(1);
        await controller.EnrolAsync(TestController.Machine(1), "boot-2");
        var detail = await controller.OperateAsync<MachineDetail>(new ShowMachine { Machine = id });
        Assert.Contains("crashed or lost power", detail.Summary.Alarm, StringComparison.Ordinal);
        Assert.Contains(detail.Events, happened => happened.Text.Contains("crashed or lost power", StringComparison.Ordinal));
        Assert.Contains((await controller.OperateAsync<EventList>(new ListEvents { Machine = id })).Events,
            happened => happened.Text.Contains("crashed or lost power", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_reboot_may_be_waited_for_without_a_drain_and_whoever_asks_again_is_told_that_it_goes_on()
    {
        await using var controller = new TestController();
        var told = new TaskCompletionSource();
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1), handler: (request, _) =>
        {
            if (request is Reboot) told.TrySetResult();
            return Reboots(request, default);
        });
        var first = await controller.OperateAsync<JobReply>(new RebootMachine { Machine = id, Wait = true });
        await told.Task.WaitAsync(Soon);
        var second = await controller.OperateAsync<JobReply>(new RebootMachine { Machine = id, Drain = true });
        Assert.Equal((false, true, first.Job.Id), (first.Joined, second.Joined, second.Job.Id));
        await controller.LeaveAsync(id, connection);
        var (_, back, _) = await controller.JoinAsync(TestController.Machine(1), "boot-2");
        await using var session = back;
        Assert.Equal(("done", $"{id} rebooted and is back"), await EndAsync(controller, first.Job.Id));
    }

    [Fact]
    public async Task What_comes_to_nothing_before_the_machine_was_told_leaves_it_as_it_was_and_says_so()
    {
        await using var controller = new TestController();
        var refusal = new ControlFaultException(new Fault { Code = FaultCode.Conflict, Text = "not now" });
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1), handler: (_, _) => throw refusal);
        await using var session = connection;
        var job = (await controller.OperateAsync<JobReply>(new RebootMachine { Machine = id, Drain = true })).Job;
        Assert.Equal(("failed", "not now"), await EndAsync(controller, job.Id));
        Assert.Equal("it was not rebooted and is as it was",
            (await controller.OperateAsync<JobReply>(new ShowJob { Id = job.Id })).Job.Hint);
        Assert.Equal("up", (await ShownAsync(controller, id)).State);
    }

    [Fact]
    public async Task The_controller_is_up_and_says_how_it_is_rebooted()
    {
        await using var controller = new TestController();
        var self = controller.Registry.RegisterSelf(new Newcomer(TestController.Machine(9), null, "boot-1", "127.0.0.1"));
        foreach (var drain in (bool[])[false, true])
        {
            var refused = await Assert.ThrowsAsync<ControlFaultException>(() =>
                controller.OperateAsync<Done>(new RebootMachine { Machine = self.Id, Drain = drain }));
            Assert.Contains($"{self.Id} is the controller", refused.Message, StringComparison.Ordinal);
            Assert.Contains("systemctl reboot", refused.Hint, StringComparison.Ordinal);
        }
        Assert.Equal("up", (await ShownAsync(controller, self.Id)).State);
    }

    [Fact]
    public async Task Machines_that_had_a_session_when_the_agent_ended_are_up_until_they_have_been_silent_for_as_long_as_ever()
    {
        string gone, stays;
        await using (var controller = new TestController(folder: folder))
        {
            (gone, var first, _) = await controller.JoinAsync(TestController.Machine(1));
            (stays, var second, _) = await controller.JoinAsync(TestController.Machine(2));
            await controller.LeaveAsync(gone, first);
            _ = second;
        }
        await using var again = new TestController(folder: folder);
        Assert.Equal(("down", "up"), ((await ShownAsync(again, gone)).State, (await ShownAsync(again, stays)).State));
        again.Clock.Ahead = TimeSpan.FromSeconds(40);
        Assert.Equal("down", (await ShownAsync(again, stays)).State);
    }

    [Fact]
    public void A_machine_that_is_going_down_is_not_ready_whatever_its_kubelet_said_last()
    {
        var record = new MachineRecord { Id = "m", Name = "rack1", Standing = MachineStanding.Admitted, Inventory = new Inventory(),
            FirstSeen = DateTimeOffset.UtcNow };
        var healthy = new ComponentHealth("kube-apiserver", true, "healthy", DateTimeOffset.UtcNow);
        var node = new NodeObject { Metadata = new ObjectMeta { Name = "m" },
            Status = new NodeStatus { Conditions = [new ObjectCondition { Type = "Ready", Status = "True" }] } };
        Assert.True(MachineExplainer.Explain(record, null, true, [], healthy, node, []).Ready);
        // What a kubelet said in a boot that is over, as after a controller's power cut, does not make a machine Ready.
        var before = node with { Status = node.Status! with { NodeInfo = new NodeInfo { BootID = "boot-1" } } };
        foreach (var (boot, why) in new (string?, string?)[] { ("boot-1", null), (null, null), ("", null),
            ("boot-2", "up again: its kubelet has not reported in this boot") })
            Assert.Equal(why, MachineExplainer.OfAnotherBoot(before, boot));
        Assert.Null(MachineExplainer.OfAnotherBoot(node, "boot-2"));
        var told = MachineExplainer.Explain(record, null, true, [], healthy, node, [], "rebooting: told by admin at 10:00:00 UTC");
        Assert.Equal((false, "rack1 is rebooting: told by admin at 10:00:00 UTC"), (told.Ready, told.Text));
        Assert.False(told.Steps.Single(step => step.Name == "ready").Done);
    }

    private static ValueTask<Message> Reboots(Message request, CancellationToken cancellationToken) =>
        ValueTask.FromResult<Message>(new Done { Text = "rebooting" });

    private static async Task<MachineSummary> ShownAsync(TestController controller, string id) =>
        (await controller.OperateAsync<MachineDetail>(new ShowMachine { Machine = id })).Summary;

    private static async Task<(string State, string Text)> EndAsync(TestController controller, string job)
    {
        for (var attempt = 0; ; attempt++)
        {
            var shown = (await controller.OperateAsync<JobReply>(new ShowJob { Id = job })).Job;
            if (shown.State != "running") return (shown.State, shown.Text);
            Assert.True(attempt < 200, $"it still runs after 20 s: {shown.Text}");
            await Task.Delay(100);
        }
    }
}
