using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Operos.Controller.Configuration;
using Operos.Controller.Machines;
using Operos.Hardware.Inventories;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Tests;

/// <summary>Somebody claims to be a machine that is known: alive, just gone, removed, or resembled in a part.</summary>
public sealed partial class ClaimTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("operos-claims-").FullName;
    private readonly ECDsa other = ECDsa.Create(ECCurve.NamedCurves.nistP256), third = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public void Dispose()
    {
        other.Dispose();
        third.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task The_same_boot_with_another_key_is_refused_whether_the_machine_answers_or_not_and_its_own_key_is_not()
    {
        await using var controller = new TestController();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var (id, connection, certificate) = await controller.JoinAsync(TestController.Machine(1), key: key);
        // Any process of the machine can read its boot id and most of its inventory.
        var refused = await controller.EnrolAsync(TestController.Machine(1), "boot-1", other);
        Assert.Equal((Admission.DuplicateLive, id, null), (refused.Admission, refused.MachineId, refused.Certificate));
        await connection.CallAsync<HeartbeatReply>(TestController.Beat("boot-1"), default);
        await controller.LeaveAsync(id, connection);
        controller.Clock.Ahead = TimeSpan.FromHours(2);
        refused = await controller.EnrolAsync(TestController.Machine(1), "boot-1", other);
        Assert.Equal(Admission.DuplicateLive, refused.Admission);
        Assert.Contains("has another key in this boot", refused.Text, StringComparison.Ordinal);
        // An agent that lost its certificate has this boot's key.
        var again = await controller.EnrolAsync(TestController.Machine(1), "boot-1", key);
        Assert.Equal((Admission.Admitted, id), (again.Admission, again.MachineId));
        await using var back = await controller.ConnectAsync(certificate);
        await back.CallAsync<HeartbeatReply>(TestController.Beat("boot-1"), default);
    }

    [Fact]
    public async Task A_claim_in_the_moment_after_a_lost_connection_displaces_nobody()
    {
        await using var controller = new TestController();
        var (id, connection, certificate) = await controller.JoinAsync(TestController.Machine(1));
        await controller.LeaveAsync(id, connection);
        var refused = await controller.EnrolAsync(TestController.Machine(1), "boot-2");
        Assert.Equal(Admission.DuplicateLive, refused.Admission);
        Assert.Contains("was alive a moment ago", refused.Text, StringComparison.Ordinal);
        Assert.InRange(refused.RetryAfterSeconds, 1, 20);
        var back = await controller.ConnectAsync(certificate);
        await back.CallAsync<HeartbeatReply>(TestController.Beat("boot-1"), default);
        await controller.LeaveAsync(id, back);
        controller.Clock.Ahead = TimeSpan.FromSeconds(25);
        Assert.Equal(Admission.Admitted, (await controller.EnrolAsync(TestController.Machine(1), "boot-2")).Admission);
    }

    [Fact]
    public async Task A_claim_after_the_controller_s_crash_waits_until_the_machines_that_had_sessions_could_be_back()
    {
        await using var controller = new TestController();
        var (id, connection, certificate) = await controller.JoinAsync(TestController.Machine(1));
        // Weeks pass between the last write and the crash; what is on the disk then is all that is left.
        foreach (var part in (string[])["pki", "machines"])
        {
            Directory.CreateDirectory(Path.Combine(folder, part));
            foreach (var file in Directory.GetFiles(Path.Combine(controller.Folder, part)))
                File.Copy(file, Path.Combine(folder, part, Path.GetFileName(file)));
        }
        await using var after = new TestController(folder: folder);
        after.Registry.Update(id, record => record with { LastSeen = record.LastSeen - TimeSpan.FromDays(20) });
        Assert.Equal(Admission.DuplicateLive, (await after.EnrolAsync(TestController.Machine(1), "boot-2")).Admission);
        var back = await after.ConnectAsync(certificate);
        await back.CallAsync<HeartbeatReply>(TestController.Beat("boot-1"), default);
        await after.LeaveAsync(id, back);
        after.Clock.Ahead = TimeSpan.FromMinutes(2);
        Assert.Equal(Admission.Admitted, (await after.EnrolAsync(TestController.Machine(1), "boot-2")).Admission);
        await connection.DisposeAsync();
    }

    [Fact]
    public async Task A_record_of_a_controller_that_kept_no_keys_is_read_and_its_machine_is_bound_to_its_key_when_it_connects()
    {
        string id;
        System.Security.Cryptography.X509Certificates.X509Certificate2 certificate;
        await using (var controller = new TestController(folder: folder))
        {
            (id, var connection, certificate) = await controller.JoinAsync(TestController.Machine(1));
            await connection.DisposeAsync();
        }
        var path = Path.Combine(folder, "machines", id + ".json");
        await File.WriteAllTextAsync(path, NewFields().Replace(await File.ReadAllTextAsync(path), ""));
        await using var upgraded = new TestController(folder: folder);
        Assert.Null(upgraded.Registry.Get(id)!.KeyHash);
        await using (var back = await upgraded.ConnectAsync(certificate)) await back.CallAsync<HeartbeatReply>(
            TestController.Beat("boot-1"), default);
        upgraded.Clock.Ahead = TimeSpan.FromHours(1);
        Assert.Equal(Admission.DuplicateLive, (await upgraded.EnrolAsync(TestController.Machine(1), "boot-1", other)).Admission);
    }

    [Theory]
    [InlineData("Auto")]
    [InlineData("Approve")]
    public async Task One_value_of_a_machine_brings_nobody_its_certificate(string policy)
    {
        var admission = Enum.Parse<AdmissionPolicy>(policy);
        await using var controller = new TestController(admission);
        var machine = TestController.Machine(1);
        var waits = await controller.EnrolAsync(machine);
        if (admission == AdmissionPolicy.Approve) await controller.OperateAsync<Done>(new ApproveMachine { Machine = waits.MachineId });
        var id = (await controller.EnrolAsync(machine)).MachineId;
        controller.Clock.Ahead = TimeSpan.FromHours(1);
        var stranger = TestController.Machine(2);
        foreach (var claimed in new[]
        {
            stranger with { Nics = machine.Nics }, stranger with { Disks = machine.Disks },
            stranger with { MemoryModules = machine.MemoryModules },
            stranger with { System = machine.System, Board = machine.Board },
            new Inventory { Nics = machine.Nics }, new Inventory { Disks = machine.Disks },
            new Inventory { System = machine.System, Board = machine.Board },
            new Inventory { System = new Identity { Uuid = machine.System.Uuid }, Nics = machine.Nics },
        })
        {
            var reply = await controller.EnrolAsync(claimed, "boot-9");
            Assert.True(reply is { Admission: Admission.Ambiguous, Certificate: null }, reply.Text);
        }
        Assert.Equal("boot-1", controller.Registry.Get(id)!.BootId);
    }

    [Fact]
    public async Task Two_machines_of_one_identity_are_shown_with_a_command_that_makes_the_other_a_new_one()
    {
        await using var controller = new TestController();
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1));
        Assert.Equal(Admission.DuplicateLive, (await controller.EnrolAsync(TestController.Machine(1), "boot-2", other)).Admission);
        var command = ResolveCommand().Match(await AlarmAsync(controller, id));
        Assert.Equal("new", command.Groups["target"].Value);
        Assert.Contains(id, (await controller.OperateAsync<StatusReply>(new ShowStatus())).Alarms.Single(), StringComparison.Ordinal);
        await controller.OperateAsync<Done>(new ResolveMachine { Machine = command.Groups["claim"].Value, As = "new" });
        // The operator's word is for whoever holds that key.
        Assert.Equal(Admission.DuplicateLive, (await controller.EnrolAsync(TestController.Machine(1), "boot-2", third)).Admission);
        var admitted = await controller.EnrolAsync(TestController.Machine(1), "boot-2", other);
        Assert.Equal(Admission.Admitted, admitted.Admission);
        Assert.NotEqual(id, admitted.MachineId);
        await connection.CallAsync<HeartbeatReply>(TestController.Beat("boot-1"), default);
        // What is left to settle is the third's claim; as itself the machine is well.
        await controller.OperateAsync<Done>(new ResolveMachine { Machine = id, As = id });
        Assert.Null((await SummaryAsync(controller, id)).Alarm);
        await Assert.ThrowsAsync<ControlFaultException>(() => controller.OperateAsync<Done>(new ResolveMachine { Machine = id, As = id }));
    }

    [Fact]
    public async Task An_operator_may_say_that_the_other_is_the_machine_and_then_nobody_else_is()
    {
        await using var controller = new TestController();
        var (id, connection, certificate) = await controller.JoinAsync(TestController.Machine(1));
        await controller.EnrolAsync(TestController.Machine(1), "boot-2", other);
        var claim = ResolveCommand().Match(await AlarmAsync(controller, id)).Groups["claim"].Value;
        await Assert.ThrowsAsync<ControlFaultException>(() =>
            controller.OperateAsync<Done>(new ResolveMachine { Machine = claim, As = "10000000" }));
        await controller.OperateAsync<Done>(new ResolveMachine { Machine = claim, As = id });
        await connection.Completion.WaitAsync(TimeSpan.FromSeconds(10));
        await using (var put = await controller.ConnectAsync(certificate))
        {
            var refused = await Assert.ThrowsAsync<ControlFaultException>(
                () => put.CallAsync<HeartbeatReply>(TestController.Beat("boot-1"), default));
            Assert.Equal(FaultCode.Unauthorized, refused.Code);
        }
        Assert.Equal(Admission.DuplicateLive, (await controller.EnrolAsync(TestController.Machine(1), "boot-3", third)).Admission);
        var reply = await controller.EnrolAsync(TestController.Machine(1), "boot-2", other);
        Assert.Equal((Admission.Admitted, id), (reply.Admission, reply.MachineId));
    }

    [Fact]
    public async Task Of_two_that_ask_at_one_time_one_is_the_machine()
    {
        await using var controller = new TestController();
        for (var number = 1; number <= 20; number++)
        {
            var machine = TestController.Machine(number);
            var replies = await Task.WhenAll(controller.EnrolAsync(machine, "boot-1"), controller.EnrolAsync(machine, "boot-2"));
            Assert.Single(replies, reply => reply.Admission == Admission.Admitted);
        }
    }

    [Fact]
    public async Task A_machine_that_answers_is_nobody_else_though_an_operator_calls_an_ambiguous_one_by_its_name()
    {
        await using var controller = new TestController();
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1));
        var resembling = TestController.Machine(2) with { System = TestController.Machine(1).System,
            Board = TestController.Machine(1).Board };
        var ambiguous = await controller.EnrolAsync(resembling, "boot-2", other);
        Assert.Equal(Admission.Ambiguous, ambiguous.Admission);
        var resolve = new ResolveMachine { Machine = ambiguous.MachineId, As = id };
        var refused = await Assert.ThrowsAsync<ControlFaultException>(() => controller.OperateAsync<Done>(resolve));
        Assert.Contains("is up", refused.Message, StringComparison.Ordinal);
        Assert.Contains("--as new", refused.Hint, StringComparison.Ordinal);
        await connection.CallAsync<HeartbeatReply>(TestController.Beat("boot-1"), default);
    }

    [Fact]
    public async Task A_removed_machine_stays_removed_under_auto_over_restarts_and_with_another_disk_until_an_operator_lets_it_in()
    {
        string id;
        await using (var controller = new TestController(folder: folder))
        {
            (id, var connection, _) = await controller.JoinAsync(TestController.Machine(1));
            await controller.OperateAsync<Done>(new RemoveMachine { Machine = id });
            await connection.DisposeAsync();
            Assert.Equal(Admission.Pending, (await controller.EnrolAsync(TestController.Machine(1), "boot-1")).Admission);
            Assert.Equal(Admission.Pending, (await controller.EnrolAsync(TestController.Machine(1), "boot-2")).Admission);
        }
        await using var again = new TestController(folder: folder);
        var waits = await again.EnrolAsync(TestController.Machine(1) with { Disks = [new Disk { Serial = "NEW-DISK" }] }, "boot-3");
        Assert.Equal(Admission.Pending, waits.Admission);
        Assert.Contains("an operator removed this machine", waits.Text, StringComparison.Ordinal);
        Assert.Equal(Admission.Admitted, (await again.EnrolAsync(TestController.Machine(2))).Admission);
        waits = await again.EnrolAsync(TestController.Machine(1), "boot-4");
        await again.OperateAsync<Done>(new ApproveMachine { Machine = waits.MachineId });
        var admitted = await again.EnrolAsync(TestController.Machine(1), "boot-4");
        Assert.Equal((Admission.Admitted, id), (admitted.Admission, admitted.MachineId));
        Assert.Empty(Directory.GetFiles(Path.Combine(folder, "machines/removed"), "*.json"));
    }

    [Fact]
    public async Task Under_auto_a_flood_fills_neither_registry_nor_disk_and_the_known_machines_go_on()
    {
        await using var controller = new TestController(maxPending: 10, maxMachines: 5);
        var (_, connection, _) = await controller.JoinAsync(TestController.Machine(1));
        for (var number = 100; number < 150; number++) await controller.EnrolAsync(TestController.Machine(number));
        Assert.Equal(15, controller.Registry.All.Count);
        Assert.Equal(5, controller.Registry.All.Count(record => record.Standing == MachineStanding.Admitted));
        var waits = await controller.EnrolAsync(TestController.Machine(150));
        Assert.Contains("limits.max-machines", waits.Text, StringComparison.Ordinal);
        await controller.OperateAsync<Done>(new ApproveMachine { Machine = waits.MachineId });
        Assert.Equal(Admission.Admitted, (await controller.EnrolAsync(TestController.Machine(150))).Admission);
        await connection.CallAsync<HeartbeatReply>(TestController.Beat("boot-1"), default);
    }

    [Fact]
    public async Task Approved_machines_and_those_that_keep_asking_are_not_the_ones_to_make_room()
    {
        await using var controller = new TestController(AdmissionPolicy.Approve, maxPending: 5);
        var approved = (await controller.EnrolAsync(TestController.Machine(1))).MachineId;
        await controller.OperateAsync<Done>(new ApproveMachine { Machine = approved });
        var asks = (await controller.EnrolAsync(TestController.Machine(2))).MachineId;
        for (var number = 100; number < 130; number++)
        {
            controller.Clock.Ahead += TimeSpan.FromSeconds(1);
            await controller.EnrolAsync(TestController.Machine(number));
            await controller.EnrolAsync(TestController.Machine(2));
        }
        Assert.Equal(Admission.Admitted, (await controller.EnrolAsync(TestController.Machine(1))).Admission);
        Assert.Equal(MachineStanding.Pending, controller.Registry.Get(asks)?.Standing);
        Assert.Equal(5, controller.Registry.All.Count(record => record.Standing == MachineStanding.Pending));
    }

    private static async Task<MachineSummary> SummaryAsync(TestController controller, string id) =>
        (await controller.OperateAsync<MachineList>(new ListMachines())).Machines.Single(machine => machine.Id == id);

    private static async Task<string> AlarmAsync(TestController controller, string id) => (await SummaryAsync(controller, id)).Alarm ?? "";

    [GeneratedRegex(@"operosctl machines resolve (?<claim>claim-[0-9a-f]{12}) --as (?<target>\S+)")]
    private static partial Regex ResolveCommand();

    [GeneratedRegex("""\s*"(keyHash|connected|claims)": [^\n]*,""")]
    private static partial Regex NewFields();
}
