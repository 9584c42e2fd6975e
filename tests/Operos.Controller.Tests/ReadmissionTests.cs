using System.Security.Cryptography;
using Operos.Controller.Configuration;
using Operos.Hardware.Inventories;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Tests;

/// <summary>Known machines that boot again: ordered, or by themselves, or not they at all.</summary>
public sealed class ReadmissionTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("operos-readmission-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("Auto")]
    [InlineData("Approve")]
    public async Task Five_ordered_reboots_of_twenty_machines_alarm_nobody_and_wait_for_nobody(string policy)
    {
        var readmission = Enum.Parse<ReadmissionPolicy>(policy);
        await using var controller = new TestController(readmission: readmission);
        var machines = Enumerable.Range(1, 20).ToDictionary(
            number => number, number => controller.JoinAsync(TestController.Machine(number), $"{number}-0", Reboots));
        for (var round = 1; round <= 5; round++)
        {
            foreach (var number in machines.Keys)
            {
                var (id, connection, _) = await machines[number];
                await controller.OperateAsync<Done>(new RebootMachine { Machine = id });
                await controller.LeaveAsync(id, connection);
                // It is let in at once, or Join fails.
                machines[number] = controller.JoinAsync(TestController.Machine(number), $"{number}-{round}", Reboots);
                Assert.Equal(id, (await machines[number]).Id);
            }
            controller.Clock.Ahead += TimeSpan.FromMinutes(30);
        }
        Assert.All((await controller.OperateAsync<MachineList>(new ListMachines())).Machines, machine => Assert.Null(machine.Alarm));
        Assert.Empty((await controller.OperateAsync<StatusReply>(new ShowStatus())).Alarms);
        // The sixth of the first one nobody ordered.
        var (first, last, _) = await machines[1];
        await controller.LeaveAsync(first, last);
        controller.Clock.Ahead += TimeSpan.FromMinutes(1);
        var reply = await controller.EnrolAsync(TestController.Machine(1), "1-6");
        Assert.Equal(readmission == ReadmissionPolicy.Auto ? Admission.Admitted : Admission.Pending, reply.Admission);
        Assert.Contains(first, Assert.Single((await controller.OperateAsync<StatusReply>(new ShowStatus())).Alarms),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_machine_that_goes_down_before_it_has_answered_was_told_to_reboot_all_the_same()
    {
        await using var controller = new TestController();
        var told = new TaskCompletionSource();
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1), handler: async (_, cancellationToken) =>
        {
            told.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            return new Done { Text = "" };
        });
        var order = controller.OperateAsync<Done>(new RebootMachine { Machine = id });
        await told.Task.WaitAsync(TimeSpan.FromSeconds(30));
        await controller.LeaveAsync(id, connection);
        Assert.Contains("reboots; its agent has not answered, so look whether it does: operosctl machines show", (await order).Text,
            StringComparison.Ordinal);
        controller.Clock.Ahead = TimeSpan.FromMinutes(1);
        Assert.Equal(Admission.Admitted, (await controller.EnrolAsync(TestController.Machine(1), "boot-2")).Admission);
        Assert.Null(await AlarmAsync(controller, id));
    }

    [Fact]
    public async Task Under_auto_a_return_that_nobody_ordered_alarms_until_an_operator_says_that_it_is_well()
    {
        await using var controller = new TestController();
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1));
        await controller.LeaveAsync(id, connection);
        controller.Clock.Ahead = TimeSpan.FromMinutes(1);
        Assert.Equal(Admission.Admitted, (await controller.EnrolAsync(TestController.Machine(1), "boot-2")).Admission);
        Assert.Contains("by a boot that nobody ordered", await AlarmAsync(controller, id), StringComparison.Ordinal);
        Assert.Contains($"operosctl machines resolve {id} --as {id}", await AlarmAsync(controller, id), StringComparison.Ordinal);
        Assert.Equal(id, await ReturnedAsync(controller, id));
        await controller.OperateAsync<Done>(new ResolveMachine { Machine = id, As = id });
        Assert.Null(await AlarmAsync(controller, id));
        Assert.Null(await ReturnedAsync(controller, id));
    }

    [Fact]
    public async Task Under_approve_a_return_that_nobody_ordered_waits_for_a_word_that_counts_for_its_key_alone()
    {
        await using var controller = new TestController(readmission: ReadmissionPolicy.Approve);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1));
        await controller.LeaveAsync(id, connection);
        controller.Clock.Ahead = TimeSpan.FromMinutes(1);
        var waits = await controller.EnrolAsync(TestController.Machine(1), "boot-2", key);
        Assert.Equal((Admission.Pending, id, null), (waits.Admission, waits.MachineId, waits.Certificate));
        var words = waits.Text[waits.Text.IndexOf("operosctl ", StringComparison.Ordinal)..].Split(' ');
        Assert.Equal(["operosctl", "machines", "resolve", words[3], "--as", id], words);
        Assert.Equal(words[3], await ReturnedAsync(controller, id));
        await controller.OperateAsync<Done>(new ResolveMachine { Machine = words[3], As = words[5] });
        Assert.NotEqual(Admission.Admitted, (await controller.EnrolAsync(TestController.Machine(1), "boot-2")).Admission);
        var reply = await controller.EnrolAsync(TestController.Machine(1), "boot-2", key);
        Assert.Equal((Admission.Admitted, id), (reply.Admission, reply.MachineId));
    }

    [Fact]
    public async Task The_window_of_an_ordered_reboot_is_for_one_boot_ends_by_itself_and_outlives_the_controller()
    {
        string id;
        await using (var controller = new TestController(folder: folder, readmission: ReadmissionPolicy.Approve))
        {
            (id, var connection, _) = await controller.JoinAsync(TestController.Machine(1), handler: Reboots);
            await controller.OperateAsync<Done>(new RebootMachine { Machine = id });
            // It has not gone down yet.
            Assert.Equal(Admission.DuplicateLive, (await controller.EnrolAsync(TestController.Machine(1), "boot-2")).Admission);
            await connection.DisposeAsync();
        }
        await using var again = new TestController(folder: folder, readmission: ReadmissionPolicy.Approve);
        var (_, second, _) = await again.JoinAsync(TestController.Machine(1), "boot-2", Reboots);
        await again.LeaveAsync(id, second);
        again.Clock.Ahead = TimeSpan.FromMinutes(1);
        Assert.Equal(Admission.Pending, (await again.EnrolAsync(TestController.Machine(1), "boot-3")).Admission);

        var (other, third, _) = await again.JoinAsync(TestController.Machine(2), handler: Reboots);
        await again.OperateAsync<Done>(new RebootMachine { Machine = other });
        await again.LeaveAsync(other, third);
        again.Clock.Ahead += TimeSpan.FromMinutes(21);
        Assert.Equal(Admission.Pending, (await again.EnrolAsync(TestController.Machine(2), "boot-2")).Admission);
    }

    [Fact]
    public async Task Whoever_has_but_a_part_of_a_machine_s_evidence_waits_under_auto_and_in_the_window_too()
    {
        await using var controller = new TestController();
        var machine = TestController.Machine(1);
        var (id, connection, _) = await controller.JoinAsync(machine, handler: Reboots);
        await controller.OperateAsync<Done>(new RebootMachine { Machine = id });
        await controller.LeaveAsync(id, connection);
        controller.Clock.Ahead = TimeSpan.FromMinutes(1);
        // Two components agree by more weight than two that are missing: it is this machine, or somebody who read its labels.
        var part = machine with { Disks = [], MemoryModules = [] };
        Assert.Equal((Admission.Pending, id), await AskAsync(part, "boot-2"));
        controller.Clock.Ahead = TimeSpan.FromHours(1);
        Assert.Equal((Admission.Pending, id), await AskAsync(part, "boot-3"));
        // Not one of those that are settled with one word.
        Assert.Null(await ReturnedAsync(controller, id));
        Assert.Equal((Admission.Admitted, id), await AskAsync(machine with { Disks = [] }, "boot-4"));

        async Task<(Admission, string)> AskAsync(Inventory inventory, string bootId)
        {
            var reply = await controller.EnrolAsync(inventory, bootId);
            return (reply.Admission, reply.MachineId);
        }
    }

    [Fact]
    public async Task A_reboot_that_the_machine_refused_opens_no_window()
    {
        await using var controller = new TestController(readmission: ReadmissionPolicy.Approve);
        var refusal = new ControlFaultException(new Fault { Code = FaultCode.Conflict, Text = "not now" });
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1), handler: (_, _) => throw refusal);
        await Assert.ThrowsAsync<ControlFaultException>(() => controller.OperateAsync<Done>(new RebootMachine { Machine = id }));
        await controller.LeaveAsync(id, connection);
        controller.Clock.Ahead = TimeSpan.FromMinutes(1);
        Assert.Equal(Admission.Pending, (await controller.EnrolAsync(TestController.Machine(1), "boot-2")).Admission);
    }

    [Fact]
    public async Task A_proof_of_a_kind_that_nobody_knows_counts_for_nothing_and_a_malformed_one_is_refused()
    {
        await using var controller = new TestController(readmission: ReadmissionPolicy.Approve);
        await controller.EnrolAsync(TestController.Machine(1));
        controller.Clock.Ahead = TimeSpan.FromMinutes(1);
        await using var connection = await controller.ConnectAsync();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var reply = await connection.CallAsync<EnrolReply>(With(new Proof { Kind = "tpm-credential", Value = [1, 2, 3] }), default);
        Assert.Equal(Admission.Pending, reply.Admission);
        var many = Enumerable.Repeat(new Proof { Kind = "x", Value = [] }, 9);
        foreach (var bad in new[] { With(new Proof { Kind = "", Value = [] }), With(new Proof { Kind = "x", Value = new byte[9000] }),
            With([.. many]) })
            Assert.Equal(FaultCode.BadRequest, (await Assert.ThrowsAsync<ControlFaultException>(
                () => connection.CallAsync<EnrolReply>(bad, default))).Code);

        Enrol With(params Proof[] proofs) => new()
        {
            Csr = TestController.Csr(key), Inventory = TestController.Machine(1).ToJson(), BootRecord = [], BootId = "boot-2",
            Proofs = proofs,
        };
    }

    private static ValueTask<Message> Reboots(Message request, CancellationToken cancellationToken) =>
        ValueTask.FromResult<Message>(new Done { Text = "rebooting" });

    private static async Task<string?> ReturnedAsync(TestController controller, string id) =>
        (await controller.OperateAsync<MachineList>(new ListMachines())).Machines.Single(machine => machine.Id == id).Returned;

    private static async Task<string?> AlarmAsync(TestController controller, string id) =>
        (await controller.OperateAsync<MachineList>(new ListMachines())).Machines.Single(machine => machine.Id == id).Alarm;
}
