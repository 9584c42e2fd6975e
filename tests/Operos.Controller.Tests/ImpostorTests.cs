using System.Net;
using System.Security.Cryptography;
using Operos.Controller.Configuration;
using Operos.Controller.Machines;
using Operos.Hardware.Inventories;
using Operos.Proto;

namespace Operos.Controller.Tests;

/// <summary>Somebody has a machine's evidence, a part of it or all, and asks at the moment that suits best.</summary>
public sealed class ImpostorTests : IDisposable
{
    private readonly ECDsa other = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public void Dispose() => other.Dispose();

    [Fact]
    public async Task An_approval_is_for_the_machine_that_asked_and_for_nobody_who_copied_its_evidence()
    {
        await using var controller = new TestController(AdmissionPolicy.Approve);
        var machine = TestController.Machine(1);
        var waits = await controller.EnrolAsync(machine);
        await controller.OperateAsync<Done>(new ApproveMachine { Machine = waits.MachineId });
        // The machine asks again within seconds; somebody else is quicker.
        var copied = await controller.EnrolAsync(machine, "boot-1", other);
        Assert.Equal((Admission.Pending, null), (copied.Admission, copied.Certificate));
        Assert.NotEqual(waits.MachineId, copied.MachineId);
        Assert.Contains("waits with the same evidence and another key", copied.Text, StringComparison.Ordinal);
        Assert.Equal(Admission.Admitted, (await controller.EnrolAsync(machine)).Admission);
        // It is the machine now, and lives.
        Assert.NotEqual(Admission.Admitted, (await controller.EnrolAsync(machine, "boot-1", other)).Admission);
    }

    [Fact]
    public async Task An_operator_s_answer_about_an_ambiguous_machine_is_for_the_one_that_asked()
    {
        await using var controller = new TestController();
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1));
        await controller.LeaveAsync(id, connection);
        controller.Clock.Ahead = TimeSpan.FromMinutes(1);
        var changed = TestController.Machine(2) with { System = TestController.Machine(1).System, Board = TestController.Machine(1).Board };
        var ambiguous = await controller.EnrolAsync(changed, "boot-2");
        Assert.Equal(Admission.Ambiguous, ambiguous.Admission);
        await controller.OperateAsync<Done>(new ResolveMachine { Machine = ambiguous.MachineId, As = id });
        Assert.Equal(Admission.Ambiguous, (await controller.EnrolAsync(changed, "boot-2", other)).Admission);
        var reply = await controller.EnrolAsync(changed, "boot-2");
        Assert.Equal((Admission.Admitted, id), (reply.Admission, reply.MachineId));
    }

    [Fact]
    public async Task A_rejected_copy_does_not_reject_the_machine_and_a_rejected_machine_stays_so_when_it_boots_anew()
    {
        await using var controller = new TestController(AdmissionPolicy.Approve);
        var machine = TestController.Machine(1);
        var copy = await controller.EnrolAsync(machine, "boot-1", other);
        var waits = await controller.EnrolAsync(machine);
        await controller.OperateAsync<Done>(new RejectMachine { Machine = copy.MachineId });
        Assert.Equal(Admission.Rejected, (await controller.EnrolAsync(machine, "boot-1", other)).Admission);
        await controller.OperateAsync<Done>(new ApproveMachine { Machine = waits.MachineId });
        Assert.Equal(Admission.Admitted, (await controller.EnrolAsync(machine)).Admission);

        var rejected = (await controller.EnrolAsync(TestController.Machine(2))).MachineId;
        await controller.OperateAsync<Done>(new RejectMachine { Machine = rejected });
        controller.Clock.Ahead = TimeSpan.FromMinutes(5);
        Assert.Equal((Admission.Rejected, rejected), await AskAsync(TestController.Machine(2), "boot-2"));
        await controller.OperateAsync<Done>(new ApproveMachine { Machine = rejected });
        Assert.Equal(Admission.Admitted, (await AskAsync(TestController.Machine(2), "boot-2")).Admission);

        async Task<(Admission Admission, string)> AskAsync(Inventory inventory, string bootId)
        {
            var reply = await controller.EnrolAsync(inventory, bootId);
            return (reply.Admission, reply.MachineId);
        }
    }

    [Fact]
    public async Task A_machine_that_boots_anew_while_it_waits_leaves_one_entry_and_needs_its_approval_again()
    {
        await using var controller = new TestController(AdmissionPolicy.Approve);
        var first = (await controller.EnrolAsync(TestController.Machine(1))).MachineId;
        await controller.OperateAsync<Done>(new ApproveMachine { Machine = first });
        controller.Clock.Ahead = TimeSpan.FromMinutes(5);
        var again = await controller.EnrolAsync(TestController.Machine(1), "boot-2");
        Assert.Equal((Admission.Pending, again.MachineId), (again.Admission, Assert.Single(controller.Registry.All).Id));
        await controller.OperateAsync<Done>(new ApproveMachine { Machine = again.MachineId });
        Assert.Equal(Admission.Admitted, (await controller.EnrolAsync(TestController.Machine(1), "boot-2")).Admission);
    }

    [Fact]
    public async Task An_approval_outlives_the_controller()
    {
        var folder = Directory.CreateTempSubdirectory("operos-impostor-").FullName;
        try
        {
            await using (var controller = new TestController(AdmissionPolicy.Approve, folder))
            {
                var waits = await controller.EnrolAsync(TestController.Machine(1), key: other);
                await controller.OperateAsync<Done>(new ApproveMachine { Machine = waits.MachineId });
            }
            await using var again = new TestController(AdmissionPolicy.Approve, folder);
            // Nobody could ask while it was away.
            var approved = again.Registry.All.Single();
            again.Registry.Update(approved.Id, record => record with { LastSeen = record.LastSeen - TimeSpan.FromHours(1) });
            Assert.Equal(Admission.Pending, (await again.EnrolAsync(TestController.Machine(1), "boot-2")).Admission);
            Assert.Equal(Admission.Admitted, (await again.EnrolAsync(TestController.Machine(1), key: other)).Admission);
        }
        finally { Directory.Delete(folder, recursive: true); }
    }

    [Fact]
    public async Task Who_was_admitted_and_never_got_its_certificate_is_nobody_else()
    {
        await using var controller = new TestController();
        // The controller ended, or its disk was full, between the two steps of an enrolment.
        var admitted = controller.Registry.Resolve(new Newcomer(TestController.Machine(1), null, "boot-1", "10.0.0.1") { KeyHash = "key" });
        Assert.Equal(MachineStanding.Admitted, admitted.Standing);
        Assert.Null(admitted.CertificateHash);
        Assert.Equal(Admission.DuplicateLive, (await controller.EnrolAsync(TestController.Machine(1), "boot-2")).Admission);
    }

    [Fact]
    public async Task A_machine_whose_agent_hangs_while_its_connection_is_open_is_nobody_else()
    {
        await using var controller = new TestController();
        using var relay = new HaltingRelay(controller.Endpoint);
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1), by: relay.Endpoint);
        relay.Halt();
        controller.Clock.Ahead = TimeSpan.FromMinutes(10);
        var refused = await controller.EnrolAsync(TestController.Machine(1), "boot-2");
        Assert.Equal((Admission.DuplicateLive, null), (refused.Admission, refused.Certificate));
        relay.GoOn();
        await connection.CallAsync<HeartbeatReply>(TestController.Beat("boot-1"), default);
        // Where it ends, the machine may be back.
        await controller.LeaveAsync(id, connection);
        controller.Clock.Ahead = TimeSpan.FromMinutes(20);
        Assert.Equal(Admission.Admitted, (await controller.EnrolAsync(TestController.Machine(1), "boot-2")).Admission);
    }

    [Fact]
    public void A_machine_that_comes_back_while_a_claim_is_judged_keeps_its_identity()
    {
        var now = DateTimeOffset.UtcNow;
        var readmission = new Readmission(ReadmissionPolicy.Auto, TimeSpan.FromSeconds(20), now - TimeSpan.FromDays(3));
        var record = new MachineRecord
        {
            Id = "machine", Standing = MachineStanding.Admitted, Inventory = TestController.Machine(1),
            CertificateHash = "certificate", KeyHash = "key", BootId = "boot-1",
            // Its session began after the claim had asked whether there is one.
            Connected = true, FirstSeen = now, LastSeen = now,
        };
        var claimed = new Newcomer(TestController.Machine(1), null, "boot-2", "10.0.0.1") { KeyHash = "another" };
        Assert.Equal(Verdict.TooSoon, readmission.Judge(record, claimed, default, now));
    }

    [Fact]
    public async Task Of_two_blades_with_one_board_serial_neither_is_its_MAC_alone()
    {
        await using var controller = new TestController(AdmissionPolicy.Approve);
        Inventory Blade(int number) => new()
        {
            Board = new Identity { Vendor = "Acme", Serial = "KX7731904" }, Nics = TestController.Machine(number).Nics,
        };
        var first = await LetInAsync(Blade(1));
        var second = await LetInAsync(Blade(2));
        Assert.NotEqual(first, second);
        controller.Clock.Ahead = TimeSpan.FromHours(1);
        // What anybody on the network hears.
        var heard = await controller.EnrolAsync(new Inventory { Nics = Blade(1).Nics }, "boot-9", other);
        Assert.Equal((Admission.Ambiguous, null), (heard.Admission, heard.Certificate));
        var back = await controller.EnrolAsync(Blade(1), "boot-2");
        Assert.Equal((Admission.Admitted, first), (back.Admission, back.MachineId));

        async Task<string> LetInAsync(Inventory inventory)
        {
            var waits = await controller.EnrolAsync(inventory);
            if (waits.Admission == Admission.Pending) await controller.OperateAsync<Done>(new ApproveMachine { Machine = waits.MachineId });
            else await controller.OperateAsync<Done>(new ResolveMachine { Machine = waits.MachineId, As = "new" });
            return (await controller.EnrolAsync(inventory)).MachineId;
        }
    }

    [Fact]
    public void Many_claims_of_one_address_push_out_each_other_and_not_the_machine_s_own()
    {
        var now = DateTimeOffset.UtcNow;
        var record = new MachineRecord
        {
            Id = "machine", Standing = MachineStanding.Admitted, Inventory = TestController.Machine(1), FirstSeen = now,
        };
        Newcomer From(string address, string key) => new(TestController.Machine(1), null, "boot", address) { KeyHash = key };
        record = record.WithClaim(From("10.0.0.9", "own"), "came back", true, now);
        for (var number = 1; number <= 20; number++)
            record = record.WithClaim(From("10.0.0.66", $"key {number}"), "came back", true, now.AddSeconds(number));
        Assert.Equal(Claim.MaxOfMachine, record.Claims.Count);
        Assert.Contains(record.Claims, claim => claim.KeyHash == "own");
    }

    [Fact]
    public void A_flood_of_waiting_strangers_makes_room_for_itself_before_another_network_s_machine()
    {
        var folder = Directory.CreateTempSubdirectory("operos-impostor-").FullName;
        try
        {
            var clock = new TestClock();
            var store = new MachineStore(folder, Microsoft.Extensions.Logging.Abstractions.NullLogger<MachineStore>.Instance);
            var registry = new MachineRegistry(store, AdmissionPolicy.Approve, 10, clock);
            MachineRecord Ask(int number, string address) =>
                registry.Resolve(new Newcomer(TestController.Machine(number), null, "boot", address) { KeyHash = $"key {number}" });
            var waits = Ask(1, "10.0.2.9").Id;
            for (var number = 100; number < 200; number++)
            {
                clock.Ahead += TimeSpan.FromSeconds(1);
                Ask(number, $"10.0.1.{number}");
            }
            Assert.Equal(10, registry.All.Count);
            Assert.NotNull(registry.Get(waits));
        }
        finally { Directory.Delete(folder, recursive: true); }
    }
}
