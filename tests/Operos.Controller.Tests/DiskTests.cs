using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Operos.Controller.Operations;
using Operos.Proto;
using Operos.Proto.Connection;
using Operos.Storage.Wipes;

namespace Operos.Controller.Tests;

/// <summary>What machines tell of their disks, what operators order of them, and the keys that machines get.</summary>
public sealed class DiskTests : IDisposable
{
    private static readonly string Seen = new('a', 64), Other = new('b', 64);
    private readonly string folder = Directory.CreateTempSubdirectory("operos-disks-").FullName;
    /// <summary>Of a machine that goes on while its controller starts again.</summary>
    private readonly ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public void Dispose()
    {
        key.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task What_a_machine_told_of_its_disks_is_known_while_it_is_down_and_after_a_restart_and_is_gone_with_it()
    {
        string id;
        await using (var controller = new TestController(folder: folder))
        {
            (id, var connection, _) = await controller.JoinAsync(TestController.Machine(1));
            var before = await controller.OperateAsync<DiskList>(new ListDisks());
            Assert.Empty(before.Disks);
            Assert.StartsWith($"{id} has not told its disks", Assert.Single(before.Silent), StringComparison.Ordinal);
            await ReportAsync(connection, Disk("sda"), Disk("sdb", "foreign") with { Reasons = ["it holds NTFS"] });
            await controller.OperateAsync<Done>(new RenameMachine { Machine = id, Name = "w1" });
            var list = await controller.OperateAsync<DiskList>(new ListDisks { Machine = "w1" });
            Assert.Equal(["w1/sda", "w1/sdb"], list.Disks.Select(entry => $"{entry.MachineName}/{entry.Disk.Name}"));
            Assert.All(list.Disks, entry => Assert.True(entry.Up));
            Assert.Equal("it holds NTFS", list.Disks[1].Disk.Reasons[0]);
            Assert.Contains("operosctl disks wipe w1/sdb", list.Disks[1].WayOut!, StringComparison.Ordinal);
            Assert.Null(list.Disks[0].WayOut);
            await connection.DisposeAsync();
        }
        await using var again = new TestController(folder: folder);
        var known = (await again.OperateAsync<DiskList>(new ListDisks())).Disks;
        Assert.Equal(["sda", "sdb"], known.Select(entry => entry.Disk.Name));
        Assert.All(known, entry => Assert.False(entry.Up));
        Assert.True(known[0].AsOfUnixMs > DateTimeOffset.UtcNow.AddMinutes(-5).ToUnixTimeMilliseconds());
        again.Registry.Remove(id);
        Assert.Empty((await again.OperateAsync<DiskList>(new ListDisks())).Disks);
        // The next machine's word clears the file away.
        await using var other = (await again.JoinAsync(TestController.Machine(2))).Connection;
        await ReportAsync(other, Disk("sda"));
        Assert.DoesNotContain(id, string.Join(' ', Directory.GetFiles(Path.Combine(folder, "storage", "reports"))),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hostile_report_is_brought_within_bounds_or_refused()
    {
        await using var controller = new TestController(folder: folder);
        await using var connection = (await controller.JoinAsync(TestController.Machine(1))).Connection;
        var bad = "\u001b[2J" + new string('x', 600);
        await ReportAsync(connection, new DiskState
        {
            Name = "../../" + bad, Identity = $"wwn: {bad}", Class = "blank and yours", Reasons = [.. Enumerable.Repeat(bad, 1000)],
            Bytes = -1, LogicalSector = int.MaxValue, Transport = bad, Model = bad, Evidence = "nothing", RecordDisk = "x",
            Signatures = [.. Enumerable.Repeat(new DiskSignature { Name = bad, Offset = long.MinValue }, 1000)],
            Uses = [.. Enumerable.Repeat(new DiskUse { Use = bad, Bytes = -5, UsedBytes = long.MinValue, MountedAt = bad }, 1000)],
            Failure = bad, Place = bad, Wipe = new DiskWipe { Order = bad, State = bad, Text = bad },
        });
        var disk = Assert.Single((await controller.OperateAsync<DiskList>(new ListDisks())).Disks).Disk;
        Assert.Equal(("doubtful", 0L, "", null, null), (disk.Class, disk.Bytes, disk.Evidence, disk.RecordDisk, disk.Wipe?.Order));
        Assert.Equal((16, 64, 16), (disk.Reasons.Count, disk.Signatures.Count, disk.Uses.Count));
        Assert.Null(disk.Place);
        Assert.DoesNotContain('/', disk.Name);
        Assert.DoesNotContain(' ', disk.Identity);
        foreach (var text in (string?[])[disk.Name, disk.Identity, disk.Transport, disk.Model, disk.Failure, disk.Reasons[0],
            disk.Signatures[0].Name, disk.Uses[0].Use, disk.Uses[0].MountedAt])
        {
            Assert.InRange(text!.Length, 1, 512);
            Assert.DoesNotContain(text, char.IsControl);
        }
        var many = Enumerable.Range(0, 257).Select(number => Disk($"sd{number}")).ToArray();
        Assert.Contains("over 256 disks", (await Assert.ThrowsAsync<ControlFaultException>(() => ReportAsync(connection, many))).Message,
            StringComparison.Ordinal);
        var busy = await Assert.ThrowsAsync<ControlFaultException>(async () =>
        {
            for (var report = 0; report < 500; report++) await ReportAsync(connection, Disk("sda"));
        });
        Assert.Equal(FaultCode.Busy, busy.Code);
        Assert.True(busy.RetryAfterSeconds > 0);
    }

    [Fact]
    public async Task A_disk_that_is_kept_out_is_so_in_every_machine_until_it_is_reclaimed_and_one_without_a_name_in_its_own()
    {
        string nameless;
        await using (var controller = new TestController(folder: folder))
        {
            var (id, one, _) = await controller.JoinAsync(TestController.Machine(1));
            var (_, two, _) = await controller.JoinAsync(TestController.Machine(2), key: key);
            await using var first = one;
            await using var second = two;
            await ReportAsync(one, Disk("sda"), Disk("sdb") with { Identity = "at:pci-0000:00:1f.2-ata-1" });
            Assert.Contains("is kept out", (await controller.OperateAsync<Done>(new ExcludeDisk { Disk = "5000c5sda" })).Text,
                StringComparison.Ordinal);
            await controller.OperateAsync<Done>(new ExcludeDisk { Disk = $"{id}/sdb" });
            Assert.Equal(["wwn:5000c5sda", "at:pci-0000:00:1f.2-ata-1"], (await ConfigurationAsync(one)).Excluded);
            Assert.Equal(["wwn:5000c5sda"], (await ConfigurationAsync(two)).Excluded);
            Assert.StartsWith("by admin since ", (await controller.OperateAsync<DiskReply>(new ShowDisk { Disk = "wwn:5000c5sda" }))
                .Entry.Excluded, StringComparison.Ordinal);
            // It is taken to the other machine.
            await ReportAsync(one, Disk("sdb") with { Identity = "at:pci-0000:00:1f.2-ata-1" });
            await ReportAsync(two, Disk("sdk") with { Identity = "wwn:5000c5sda" });
            nameless = $"{id}/sdb";
            var events = controller.Events.Read(_ => true, 100).Events.Select(happened => happened.Text).ToList();
            foreach (var expected in (string[])["disk sda (wwn:5000c5sda) is kept out, by admin", "disk sda (wwn:5000c5sda) is gone"])
                Assert.Contains(expected, events);
        }
        await using var again = new TestController(folder: folder);
        await using var back = (await again.JoinAsync(TestController.Machine(2), key: key)).Connection;
        Assert.Equal(["wwn:5000c5sda"], (await ConfigurationAsync(back)).Excluded);
        Assert.NotNull(Assert.Single((await again.OperateAsync<DiskList>(new ListDisks())).Disks, e => e.Disk.Name == "sdk").Excluded);
        Assert.Contains("no longer kept out", (await again.OperateAsync<Done>(new ReclaimDisk { Disk = "WWN:5000C5SDA" })).Text,
            StringComparison.Ordinal);
        await again.OperateAsync<Done>(new ReclaimDisk { Disk = nameless });
        Assert.Empty((await ConfigurationAsync(back)).Excluded);
        Assert.Equal(["disks exclude", "disks exclude", "disks reclaim", "disks reclaim"],
            (await again.OperateAsync<AuditList>(new ListAudit())).Records.Select(record => record.Operation));
    }

    /// <summary>A wipe erases the record by which alone the disk is known.</summary>
    [Fact]
    public async Task A_disk_that_is_known_by_its_record_alone_stays_kept_out_when_it_is_wiped()
    {
        const string Place = "at:pci-0000:00:05.0";
        await using var controller = new TestController(folder: folder);
        var orders = 0;
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1), handler: (request, _) =>
        {
            if (request is WipeDisk) orders++;
            return ValueTask.FromResult<Message>(new Done { Text = "begun" });
        });
        await using var session = connection;
        var identity = $"disk:{Guid.NewGuid()}";
        var disk = Disk("vdb", "ours") with { Identity = identity };
        // It was kept out before its agent told its place.
        await ReportAsync(connection, disk);
        await controller.OperateAsync<Done>(new ExcludeDisk { Disk = $"{id}/vdb" });
        await ConfigurationAsync(connection);
        await ConfigurationAsync(connection);
        var wipe = new OrderWipe { Disk = $"{id}/vdb", Evidence = Seen };
        Assert.Contains("is too old to tell its place", (await Assert.ThrowsAsync<ControlFaultException>(() =>
            controller.OperateAsync<WipeOrdered>(wipe))).Message, StringComparison.Ordinal);
        await ReportAsync(connection, disk with { Place = Place });
        Assert.Contains("by its record alone, which a wipe erases", (await Assert.ThrowsAsync<ControlFaultException>(() =>
            controller.OperateAsync<WipeOrdered>(wipe))).Message, StringComparison.Ordinal);
        Assert.Contains("nothing but its record tells it",
            (await controller.OperateAsync<Done>(new ExcludeDisk { Disk = $"{id}/vdb" })).Text, StringComparison.Ordinal);
        Assert.Equal([identity, Place], (await ConfigurationAsync(connection)).Excluded);
        Assert.DoesNotContain((await controller.OperateAsync<DiskList>(new ListDisks())).Silent,
            line => line.Contains(Place, StringComparison.Ordinal));
        await controller.OperateAsync<Done>(new ReclaimDisk { Disk = identity });
        Assert.Empty((await ConfigurationAsync(connection)).Excluded);
        await controller.OperateAsync<Done>(new ExcludeDisk { Disk = identity });
        await ConfigurationAsync(connection);
        await ConfigurationAsync(connection);
        await controller.OperateAsync<WipeOrdered>(wipe);
        Assert.Equal(1, orders);
        await ReportAsync(connection, Disk("vdb") with { Identity = Place });
        Assert.NotNull(Assert.Single((await controller.OperateAsync<DiskList>(new ListDisks())).Disks).Excluded);
        await controller.OperateAsync<Done>(new ReclaimDisk { Disk = $"{id}/vdb" });
        Assert.Empty((await ConfigurationAsync(connection)).Excluded);
    }

    [Fact]
    public async Task A_disk_whose_wipe_was_cut_and_left_in_doubt_says_how_it_is_ordered_again()
    {
        await using var controller = new TestController(folder: folder);
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1));
        await using var session = connection;
        await controller.OperateAsync<Done>(new RenameMachine { Machine = id, Name = "w1" });
        await ReportAsync(connection, Disk("sda", "doubtful") with { WipeCut = true }, Disk("sdb", "doubtful"));
        var disks = (await controller.OperateAsync<DiskList>(new ListDisks())).Disks;
        Assert.Equal("its wipe was cut: if nobody put anything on it since, order it again: operosctl disks wipe w1/sda", disks[0].WayOut);
        Assert.StartsWith("look at it", disks[1].WayOut, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("""{"format":9}""")]
    [InlineData("""{"disks":[null]}""")]
    public async Task Where_it_is_not_known_which_disks_are_kept_out_no_machine_is_told_to_use_any(string damaged)
    {
        var path = Path.Combine(Directory.CreateDirectory(Path.Combine(folder, "storage")).FullName, "excluded.json");
        await File.WriteAllTextAsync(path, damaged);
        await using var controller = new TestController(folder: folder);
        await using var connection = (await controller.JoinAsync(TestController.Machine(1))).Connection;
        Assert.Null((await connection.CallAsync<HeartbeatReply>(TestController.Beat("boot-1"), default)).Configuration.Storage);
        await ReportAsync(connection, Disk("sda"));
        Assert.Contains((await controller.OperateAsync<DiskList>(new ListDisks())).Silent,
            line => line.Contains(path, StringComparison.Ordinal));
        Assert.Contains(path, Assert.Single((await controller.OperateAsync<StatusReply>(new ShowStatus())).Components,
            part => part.Name == "records").Text, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ControlFaultException>(() => controller.OperateAsync<Done>(new ExcludeDisk { Disk = "5000c5sda" }));
        Assert.Equal(damaged, await File.ReadAllTextAsync(path));
    }

    [Fact]
    public async Task A_machine_gets_the_keys_of_its_own_disks_alone_the_same_each_time_and_the_log_has_that_and_no_key()
    {
        var (disk, other) = (Guid.NewGuid().ToString(), Guid.NewGuid().ToString());
        byte[] given;
        await using (var controller = new TestController(folder: folder))
        {
            var (_, one, _) = await controller.JoinAsync(TestController.Machine(1), key: key);
            var (_, two, _) = await controller.JoinAsync(TestController.Machine(2));
            await using var second = two;
            await ReportAsync(one, Disk("sda", "ours") with { RecordDisk = disk }, Disk("sdb", "foreign") with { RecordDisk = other });
            given = (await KeysAsync(one, disk))[disk];
            Assert.Equal(32, given.Length);
            foreach (var stranger in (string[])[other, Guid.NewGuid().ToString(), disk.ToUpperInvariant(), "x"])
                await Assert.ThrowsAsync<ControlFaultException>(() => KeysAsync(one, stranger));
            await Assert.ThrowsAsync<ControlFaultException>(() => KeysAsync(two, disk));
            // Whoever asks again and again fills no log.
            for (var time = 0; time < 5; time++) await Assert.ThrowsAsync<ControlFaultException>(() => KeysAsync(one, other));
            // Whoever only says that it has the disk, while another does, gets nothing; nor does the other.
            await ReportAsync(two, Disk("sda", "ours") with { RecordDisk = disk });
            Assert.Contains("both say", (await Assert.ThrowsAsync<ControlFaultException>(() => KeysAsync(two, disk))).Message,
                StringComparison.Ordinal);
            // It moved: its machine is off, and another tells of it.
            await one.DisposeAsync();
            await Wait(() => controller.Sessions.Count == 1);
            Assert.Equal(given, (await KeysAsync(two, disk))[disk]);
            var records = (await controller.OperateAsync<AuditList>(new ListAudit())).Records;
            Assert.All(records, record => Assert.Equal(("disk keys", "worker"), (record.Operation, record.Role)));
            Assert.Contains(records, record => record.Outcome == "done" && record.Arguments["disks"] == disk);
            Assert.Single(records, record => record.Outcome == "refused" && record.Arguments["disks"] == other);
        }
        var secret = Path.Combine(folder, "pki", "disks.key");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(secret));
        var log = await File.ReadAllTextAsync(Path.Combine(folder, "operations", "audit.jsonl"));
        Assert.DoesNotContain(Convert.ToBase64String(given), log, StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToHexString(given), log, StringComparison.OrdinalIgnoreCase);

        Assert.Equal(given, await KeyAfterRestartAsync(disk));
        // Another secret in its place, or none, opens no disk: it is refused, and nothing is made anew.
        var kept = await File.ReadAllBytesAsync(secret);
        await File.WriteAllBytesAsync(secret, RandomNumberGenerator.GetBytes(32));
        await Assert.ThrowsAsync<ControlFaultException>(() => KeyAfterRestartAsync(disk));
        File.Delete(secret);
        Assert.Contains("is missing", (await Assert.ThrowsAsync<ControlFaultException>(() => KeyAfterRestartAsync(disk))).Message,
            StringComparison.Ordinal);
        Assert.False(File.Exists(secret));
        await File.WriteAllBytesAsync(secret, kept);
        Assert.Equal(given, await KeyAfterRestartAsync(disk));
    }

    [Fact]
    public async Task A_wipe_is_an_order_signed_by_the_authority_for_one_machine_and_what_was_seen_and_nothing_else_is_sent()
    {
        await using var controller = new TestController(folder: folder);
        var orders = new List<WipeDisk>();
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1), handler: (request, _) =>
        {
            if (request is not WipeDisk wipe) return ValueTask.FromResult<Message>(new Done { Text = "alive" });
            orders.Add(wipe);
            return ValueTask.FromResult<Message>(new Done { Text = "begun" });
        });
        await ReportAsync(connection, Disk("sda", "foreign"), Disk("sdb", "in-use"),
            Disk("sdc", "ours") with { Uses = [new DiskUse { Use = "volumes", Bytes = 1, MountedAt = "/v" }] });
        var vera = new Caller("vera", OperatorRole.Viewer, "192.0.2.7");
        Assert.Equal(RefusalKind.Forbidden, (await Assert.ThrowsAsync<RefusedException>(() =>
            controller.Operations.RunAsync(new OrderWipe { Disk = $"{id}/sda", Evidence = Seen }, vera, default))).Kind);
        foreach (var (disk, evidence, why) in ((string, string, string)[])[("sda", Other, "is not as it was"),
            ("sda", "", "names what was seen"), ("sdb", Seen, "is in-use"), ("sdc", Seen, "is in use: volumes at /v"),
            ("sdd", Seen, "no disk")])
            Assert.Contains(why, (await Assert.ThrowsAsync<ControlFaultException>(() =>
                controller.OperateAsync<WipeOrdered>(new OrderWipe { Disk = $"{id}/{disk}", Evidence = evidence }))).Message,
                StringComparison.Ordinal);
        Assert.Empty(orders);

        var ordered = await controller.OperateAsync<WipeOrdered>(new OrderWipe { Disk = $"{id}/sda", Evidence = Seen });
        var sent = Assert.Single(orders);
        using var authority = controller.Authority.Certificate.GetECDsaPublicKey()!;
        var order = Operos.Storage.Wipes.WipeOrder.Verified(sent.Order, sent.Signature, authority);
        Assert.Equal((ordered.Order, id, "wwn:5000c5sda", Seen),
            (order.Id.ToString(), order.Machine.ToString(), order.Disk, order.Evidence));
        Assert.InRange(order.Expires - order.Issued, TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(5));
        // How it ends is in the machine's history.
        await ReportAsync(connection, Disk("sda") with
            { Wipe = new DiskWipe { Order = ordered.Order, State = DiskWipe.Finished, Text = "every place is blank" } });
        var events = controller.Events.Read(_ => true, 100).Events.Select(happened => happened.Text).ToList();
        Assert.Contains($"admin has disk sda (wwn:5000c5sda) wiped, order {ordered.Order}", events);
        Assert.Contains("wipe of disk sda is done: every place is blank", events);
        await controller.LeaveAsync(id, connection);
        Assert.Contains("is not up", (await Assert.ThrowsAsync<ControlFaultException>(() =>
            controller.OperateAsync<WipeOrdered>(new OrderWipe { Disk = $"{id}/sda", Evidence = Seen }))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_disk_is_found_by_what_it_is_called_and_several_are_named()
    {
        await using var controller = new TestController(folder: folder);
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1));
        await using var session = connection;
        await controller.OperateAsync<Done>(new RenameMachine { Machine = id, Name = "w1" });
        var record = Guid.NewGuid().ToString();
        await ReportAsync(connection, Disk("sda"), Disk("sdb"),
            Disk("nvme0n1") with { Identity = "serial:SAMSUNG/S4EV", RecordDisk = record },
            Disk("cciss/c0d0") with { Identity = "at:pci-1" });
        foreach (var (called, name) in ((string, string)[])[("w1/sda", "sda"), ($"{id[..8]}/sdb", "sdb"), ("wwn:5000c5sda", "sda"),
            ("5000C5SDB", "sdb"), ("serial:sam", "nvme0n1"), (record, "nvme0n1"), ("SAMSUNG/S4EV", "nvme0n1"),
            ("w1/cciss!c0d0", "cciss!c0d0")])
            Assert.Equal(name, (await controller.OperateAsync<DiskReply>(new ShowDisk { Disk = called })).Entry.Disk.Name);
        var several = await Assert.ThrowsAsync<ControlFaultException>(() =>
            controller.OperateAsync<DiskReply>(new ShowDisk { Disk = "5000c5" }));
        Assert.Contains("may be 2 disks: w1/sda, w1/sdb", several.Message, StringComparison.Ordinal);
        foreach (var none in (string[])["w1/sdz", "w2/sda", "sda", "/", "", "500"])
            Assert.Equal(FaultCode.NotFound, (await Assert.ThrowsAsync<ControlFaultException>(() =>
                controller.OperateAsync<DiskReply>(new ShowDisk { Disk = none }))).Code);
    }

    private async Task<byte[]> KeyAfterRestartAsync(string disk)
    {
        await using var controller = new TestController(folder: folder);
        await using var connection = (await controller.JoinAsync(TestController.Machine(1), key: key)).Connection;
        await ReportAsync(connection, Disk("sda", "ours") with { RecordDisk = disk });
        return (await KeysAsync(connection, disk))[disk];
    }

    private static DiskState Disk(string name, string sort = "blank") => new()
        { Name = name, Identity = $"wwn:5000c5{name}", Class = sort, Bytes = 1_000_000_000, Transport = "sata", Evidence = Seen };

    private static Task ReportAsync(ControlConnection connection, params DiskState[] disks) =>
        connection.CallAsync<Done>(new ReportDisks { Disks = disks }, default);

    private static async Task<IReadOnlyDictionary<string, byte[]>> KeysAsync(ControlConnection connection, params string[] disks) =>
        (await connection.CallAsync<DiskKeys>(new IssueDiskKeys { Disks = disks }, default)).Keys;

    private static async Task<StorageConfiguration> ConfigurationAsync(ControlConnection connection) =>
        (await connection.CallAsync<HeartbeatReply>(TestController.Beat("boot-1"), default)).Configuration.Storage!;

    private static async Task Wait(Func<bool> condition)
    {
        for (var attempt = 0; !condition(); attempt++)
        {
            Assert.True(attempt < 200, "the session has not ended after 10 s");
            await Task.Delay(50);
        }
    }
}
