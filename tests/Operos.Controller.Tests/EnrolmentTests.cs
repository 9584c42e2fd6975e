using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Cryptography;
using Operos.Authority;
using Operos.Controller.Configuration;
using Operos.Controller.Machines;
using Operos.Hardware.Inventories;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Tests;

public sealed class EnrolmentTests : IDisposable
{
    /// <summary>For controllers that follow one another; others have one of their own.</summary>
    private readonly string folder = Directory.CreateTempSubdirectory("operos-controller-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_machine_keeps_its_UUID_over_reboots_and_a_changed_disk_and_the_controller_s_restart()
    {
        string id;
        await using (var controller = new TestController(folder: folder))
        {
            id = (await controller.EnrolAsync(TestController.Machine(1))).MachineId;
            controller.Clock.Ahead = TimeSpan.FromMinutes(1);
            Assert.Equal(id, (await controller.EnrolAsync(TestController.Machine(1), "boot-2")).MachineId);
        }
        // A power cut in mid-write leaves such a file.
        await File.WriteAllTextAsync(Path.Combine(folder, "machines", id + ".json.partial"), "{ half");
        await using var again = new TestController(folder: folder);
        again.Clock.Ahead = TimeSpan.FromMinutes(2);
        var otherDisk = TestController.Machine(1) with { Disks = [new Disk { Serial = "NEW-DISK" }] };
        Assert.Equal(id, (await again.EnrolAsync(otherDisk, "boot-3")).MachineId);
        Assert.Contains(again.Registry.Get(id)!.Events, happened => happened.Text.Contains(
            "disk /new-disk is new", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_damaged_record_is_set_aside_and_the_others_are_kept()
    {
        string damaged, whole;
        await using (var controller = new TestController(folder: folder))
        {
            damaged = (await controller.EnrolAsync(TestController.Machine(1))).MachineId;
            whole = (await controller.EnrolAsync(TestController.Machine(2))).MachineId;
        }
        var path = Path.Combine(folder, "machines", damaged + ".json");
        await File.WriteAllTextAsync(path, "{ \"id\": 3");
        await using var again = new TestController(folder: folder);
        Assert.True(File.Exists(path + ".damaged"));
        Assert.Equal(whole, Assert.Single(again.Registry.All).Id);
    }

    [Fact]
    public async Task Under_approve_a_machine_waits_for_an_operator_and_a_rejected_one_stays_out()
    {
        await using var controller = new TestController(AdmissionPolicy.Approve);
        var waits = await controller.EnrolAsync(TestController.Machine(1));
        Assert.Equal(Admission.Pending, waits.Admission);
        Assert.Contains($"operosctl machines approve {waits.MachineId}", waits.Text, StringComparison.Ordinal);
        Assert.Equal(waits.MachineId, (await controller.EnrolAsync(TestController.Machine(1))).MachineId);
        await controller.OperateAsync<Done>(new RejectMachine { Machine = waits.MachineId });
        Assert.Equal(Admission.Rejected, (await controller.EnrolAsync(TestController.Machine(1))).Admission);
        await controller.OperateAsync<Done>(new ApproveMachine { Machine = waits.MachineId[..8] });
        var admitted = await controller.EnrolAsync(TestController.Machine(1));
        Assert.Equal(Admission.Admitted, admitted.Admission);
        Assert.Equal(admitted.MachineId, Assert.Single(controller.Registry.All).Id);
    }

    [Fact]
    public async Task An_ambiguous_machine_is_refused_until_an_operator_resolves_it()
    {
        await using var controller = new TestController();
        var (left, right) = (TestController.Machine(1), TestController.Machine(2));
        var leftId = (await controller.EnrolAsync(left)).MachineId;
        await controller.EnrolAsync(right);
        var chimera = left with { Nics = right.Nics, Disks = right.Disks };
        var refused = await controller.EnrolAsync(chimera);
        Assert.Equal(Admission.Ambiguous, refused.Admission);
        var shown = (await controller.OperateAsync<MachineList>(new ListMachines())).Machines.Single(
            machine => machine.Id == refused.MachineId);
        Assert.Equal("ambiguous", shown.State);
        Assert.Contains($"operosctl machines resolve {refused.MachineId} --as", shown.Note, StringComparison.Ordinal);
        await controller.OperateAsync<Done>(new ResolveMachine { Machine = refused.MachineId, As = leftId });
        Assert.Equal(leftId, (await controller.EnrolAsync(chimera)).MachineId);
    }

    [Fact]
    public async Task A_second_machine_with_a_live_machine_s_evidence_is_refused_and_the_reboot_of_a_dead_one_is_not()
    {
        await using var controller = new TestController();
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1));
        var second = await controller.EnrolAsync(TestController.Machine(1), "another-boot");
        Assert.Equal(Admission.DuplicateLive, second.Admission);
        await controller.LeaveAsync(id, connection);
        controller.Clock.Ahead = TimeSpan.FromMinutes(1);
        var rebooted = await controller.EnrolAsync(TestController.Machine(1), "another-boot");
        Assert.Equal((Admission.Admitted, id), (rebooted.Admission, rebooted.MachineId));
    }

    [Fact]
    public async Task A_renewed_certificate_works_and_the_one_before_no_longer_does()
    {
        await using var controller = new TestController();
        var (id, connection, old) = await controller.JoinAsync(TestController.Machine(1));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var renewal = await connection.CallAsync<CertificateReply>(new RenewCertificate { Csr = TestController.Csr(key) }, default);
        await connection.DisposeAsync();
        using var renewed = System.Security.Cryptography.X509Certificates.X509CertificateLoader.LoadCertificate(renewal.Certificate);
        Assert.Equal((Role.Worker, id), CertificateAuthority.ReadHolder(renewed));
        using var usable = System.Security.Cryptography.X509Certificates.RSACertificateExtensions.GetRSAPublicKey(renewed) is null
            ? System.Security.Cryptography.X509Certificates.ECDsaCertificateExtensions.CopyWithPrivateKey(renewed, key) : renewed;
        await using (var now = await controller.ConnectAsync(usable)) await now.CallAsync<HeartbeatReply>(
            TestController.Beat("boot-1"), default);
        await using var before = await controller.ConnectAsync(old);
        Assert.Equal(FaultCode.Unauthorized, (await Assert.ThrowsAsync<ControlFaultException>(
            () => before.CallAsync<HeartbeatReply>(TestController.Beat("boot-1"), default))).Code);
    }

    [Fact]
    public async Task A_removed_machine_s_certificate_no_longer_counts_and_it_is_cut_off()
    {
        await using var controller = new TestController();
        var (id, connection, certificate) = await controller.JoinAsync(TestController.Machine(1));
        await controller.OperateAsync<Done>(new RemoveMachine { Machine = id });
        await connection.Completion.WaitAsync(TimeSpan.FromSeconds(10));
        await using var back = await controller.ConnectAsync(certificate);
        await Assert.ThrowsAsync<ControlFaultException>(() => back.CallAsync<HeartbeatReply>(TestController.Beat("boot-1"), default));
    }

    [Fact]
    public async Task A_wrong_authority_is_refused_on_both_sides()
    {
        await using var controller = new TestController();
        await using var other = new TestController();
        var foreign = await Assert.ThrowsAsync<IOException>(() => controller.ConnectAsync(authority: other.Authority.Certificate));
        Assert.Contains("not of this cluster", foreign.Message, StringComparison.Ordinal);
        var (certificate, key) = other.Authority.IssueOperator("admin", TimeSpan.FromDays(1));
        using var stranger = System.Security.Cryptography.X509Certificates.X509Certificate2.CreateFromPem(certificate, key);
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            await using var connection = await controller.ConnectAsync(stranger);
            await connection.CallAsync<MachineList>(new ListMachines(), default);
        });
    }

    [Fact]
    public async Task An_expired_certificate_is_refused_and_a_wrong_clock_tolerated_only_where_asked_for()
    {
        await using var controller = new TestController();
        var (_, connection, certificate) = await controller.JoinAsync(TestController.Machine(1));
        await connection.DisposeAsync();
        controller.Clock.Ahead = TimeSpan.FromDays(31);
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            await using var late = await controller.ConnectAsync(certificate, tolerateClock: true);
            await late.CallAsync<HeartbeatReply>(TestController.Beat("boot-1"), default);
        });
    }

    [Fact]
    public async Task A_controller_from_the_future_is_tolerated_for_the_first_contact_and_tells_the_time()
    {
        // A machine without a clock sees the controller's certificate as not valid yet: the test turns that around.
        CertificateAuthority.OpenOrCreate(Path.Combine(folder, "pki"), TimeProvider.System);
        await using var controller = new TestController(folder: folder);
        controller.Clock.Ahead = TimeSpan.FromDays(400);
        await Assert.ThrowsAsync<IOException>(() => controller.ConnectAsync());
        await using var tolerant = await controller.ConnectAsync(tolerateClock: true);
        Assert.InRange(DateTimeOffset.FromUnixTimeMilliseconds(tolerant.Greeting!.UnixTimeMs) - DateTimeOffset.UtcNow,
            TimeSpan.FromDays(399), TimeSpan.FromDays(401));
    }

    [Fact]
    public async Task Workers_and_strangers_may_not_do_an_operator_s_work()
    {
        await using var controller = new TestController();
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1));
        await using var stranger = await controller.ConnectAsync();
        foreach (var peer in new[] { connection, stranger })
            Assert.Equal(FaultCode.Unauthorized, (await Assert.ThrowsAsync<ControlFaultException>(
                () => peer.CallAsync<Done>(new RemoveMachine { Machine = id }, default))).Code);
        Assert.Equal(FaultCode.Unauthorized, (await Assert.ThrowsAsync<ControlFaultException>(
            () => stranger.CallAsync<HeartbeatReply>(TestController.Beat("b"), default))).Code);
    }

    [Fact]
    public async Task A_flood_of_strangers_is_bounded_and_never_pushes_out_an_admitted_machine()
    {
        await using var controller = new TestController(AdmissionPolicy.Approve, maxPending: 20);
        var first = (await controller.EnrolAsync(TestController.Machine(1))).MachineId;
        await controller.OperateAsync<Done>(new ApproveMachine { Machine = first });
        var admitted = (await controller.EnrolAsync(TestController.Machine(1))).MachineId;
        for (var number = 100; number < 160; number++) await controller.EnrolAsync(TestController.Machine(number));
        Assert.Equal(21, controller.Registry.All.Count);
        Assert.Equal(MachineStanding.Admitted, controller.Registry.Get(admitted)!.Standing);
        Assert.Equal(21, Directory.GetFiles(Path.Combine(controller.Folder, "machines"), "*.json").Length);
    }

    [Fact]
    public async Task Malformed_enrolments_and_frames_are_refused_and_the_server_goes_on()
    {
        await using var controller = new TestController();
        await using (var connection = await controller.ConnectAsync())
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            using var weak = RSA.Create(1024);
            foreach (var bad in new[]
            {
                new Enrol { Csr = [1, 2, 3], Inventory = TestController.Machine(1).ToJson(), BootRecord = [], BootId = "b" },
                new Enrol { Csr = TestController.Csr(key), Inventory = "{"u8.ToArray(), BootRecord = [], BootId = "b" },
                new Enrol { Csr = TestController.Csr(key), Inventory = TestController.Machine(1).ToJson(), BootRecord = "x"u8.ToArray(),
                    BootId = "b" },
                new Enrol { Csr = TestController.Csr(key), Inventory = TestController.Machine(1).ToJson(), BootRecord = [],
                    BootId = "../../etc" },
            })
                Assert.Equal(FaultCode.BadRequest, (await Assert.ThrowsAsync<ControlFaultException>(
                    () => connection.CallAsync<EnrolReply>(bad, default))).Code);
        }
        foreach (var garbage in new[] { "GET / HTTP/1.1\r\n\r\n"u8.ToArray(), new byte[100], [22, 3, 1, 255, 255] })
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(controller.Endpoint);
            await socket.SendAsync(garbage);
        }
        Assert.Equal(Admission.Admitted, (await controller.EnrolAsync(TestController.Machine(1))).Admission);
    }

    [Fact]
    public async Task Silent_connections_take_no_place_from_those_who_speak()
    {
        await using var controller = new TestController();
        var silent = new List<Socket>();
        try
        {
            for (var number = 0; number < 60; number++)
            {
                silent.Add(new Socket(SocketType.Stream, ProtocolType.Tcp));
                await silent[^1].ConnectAsync(controller.Endpoint);
            }
            var clock = Stopwatch.StartNew();
            Assert.Equal(Admission.Admitted, (await controller.EnrolAsync(TestController.Machine(1))).Admission);
            // The silent ones are dropped after 10 s, and places would come free then.
            Assert.InRange(clock.Elapsed.TotalSeconds, 0, 8);
        }
        finally { silent.ForEach(socket => socket.Dispose()); }
    }

    [Fact]
    public async Task Two_hundred_workers_enrol_at_once_each_as_itself()
    {
        await using var controller = new TestController();
        // From one address there may be 64 strangers at a time. Who made room comes again with the same key, the later the more often it
        // had to, as workers do: the controller may have admitted it already.
        var replies = await Task.WhenAll(Enumerable.Range(1, 200).Select(async number =>
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            for (var attempt = 0; ; attempt++)
            {
                try { return await controller.EnrolAsync(TestController.Machine(number), key: key); }
                catch (IOException) when (attempt < 100) { await Task.Delay(Random.Shared.Next(50, 300) * Math.Min(attempt + 1, 10)); }
            }
        }));
        Assert.All(replies, reply => Assert.Equal(Admission.Admitted, reply.Admission));
        Assert.Equal(200, replies.Select(reply => reply.MachineId).Distinct().Count());
    }

    [Fact]
    public async Task Names_and_labels_are_checked_kept_and_shown()
    {
        await using var controller = new TestController();
        var id = (await controller.EnrolAsync(TestController.Machine(1))).MachineId;
        var other = (await controller.EnrolAsync(TestController.Machine(2))).MachineId;
        await controller.OperateAsync<Done>(new RenameMachine { Machine = id, Name = "rack1-1" });
        await controller.OperateAsync<Done>(new LabelMachine
            { Machine = "rack1-1", Set = new Dictionary<string, string> { ["rack"] = "r1", ["gone"] = "x" } });
        await controller.OperateAsync<Done>(new LabelMachine { Machine = "rack1-1", Remove = ["gone"] });
        var shown = await controller.OperateAsync<MachineDetail>(new ShowMachine { Machine = "rack1-1" });
        Assert.Equal(id, shown.Summary.Id);
        Assert.Equal("r1", Assert.Single(shown.Labels).Value);
        foreach (var bad in (Message[])[new RenameMachine { Machine = other, Name = "rack1-1" },
            new RenameMachine { Machine = other, Name = "-no" },
            new LabelMachine { Machine = id, Set = new Dictionary<string, string> { ["a b"] = "c" } },
            new ShowMachine { Machine = "nobody" }])
            await Assert.ThrowsAsync<ControlFaultException>(() => controller.OperateAsync<Done>(bad));
    }
}
