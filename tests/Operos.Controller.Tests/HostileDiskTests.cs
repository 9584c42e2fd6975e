using System.Security.Cryptography;
using Operos.Controller.Disks;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Tests;

/// <summary>Disks where a machine says too much or what is not so, an order comes too early, or the rack is large.</summary>
public sealed class HostileDiskTests : IDisposable
{
    private static readonly string Seen = new('a', 64);
    private readonly string folder = Directory.CreateTempSubdirectory("operos-disks-").FullName;
    /// <summary>Of a machine that goes on while its controller starts again.</summary>
    private readonly ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public void Dispose()
    {
        key.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task What_is_kept_out_is_not_wiped_before_its_machine_has_heard_that_and_gets_no_key_where_it_is_not_in_use_yet()
    {
        await using var controller = new TestController(folder: folder);
        var orders = 0;
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1), handler: (request, _) =>
        {
            if (request is WipeDisk) orders++;
            return ValueTask.FromResult<Message>(new Done { Text = "begun" });
        });
        await using var session = connection;
        var (begun, ours) = (Guid.NewGuid().ToString(), Guid.NewGuid().ToString());
        await ReportAsync(connection, Disk("sda", "foreign"), Disk("sdb", "unfinished-ours") with { RecordDisk = begun },
            Disk("sdc", "ours") with { RecordDisk = ours });
        foreach (var name in (string[])["sda", "sdb", "sdc"])
            await controller.OperateAsync<Done>(new ExcludeDisk { Disk = $"{id}/{name}" });
        async Task TooEarlyAsync()
        {
            Assert.Contains("may not have heard that yet", (await Assert.ThrowsAsync<ControlFaultException>(() =>
                controller.OperateAsync<WipeOrdered>(new OrderWipe { Disk = $"{id}/sda", Evidence = Seen }))).Message,
                StringComparison.Ordinal);
            Assert.Contains("may not have heard that yet",
                (await controller.OperateAsync<DiskReply>(new ShowDisk { Disk = $"{id}/sda" })).Entry.NotWiped!, StringComparison.Ordinal);
        }
        await TooEarlyAsync();
        await ConfigurationAsync(connection);
        // That it was answered does not say yet that it has the answer: that it asks again does.
        await TooEarlyAsync();
        Assert.Equal(0, orders);
        await ConfigurationAsync(connection);
        Assert.Null((await controller.OperateAsync<DiskReply>(new ShowDisk { Disk = $"{id}/sda" })).Entry.NotWiped);
        await controller.OperateAsync<WipeOrdered>(new OrderWipe { Disk = $"{id}/sda", Evidence = Seen });
        Assert.Equal(1, orders);

        Assert.Contains("is kept out", (await Assert.ThrowsAsync<ControlFaultException>(() => KeysAsync(connection, begun))).Message,
            StringComparison.Ordinal);
        Assert.Equal(32, (await KeysAsync(connection, ours))[ours].Length);
        await controller.OperateAsync<Done>(new ReclaimDisk { Disk = $"{id}/sdb" });
        Assert.Equal(32, (await KeysAsync(connection, begun))[begun].Length);
    }

    [Fact]
    public async Task What_keys_are_made_from_is_there_from_the_first_start_on_so_that_each_backup_has_it()
    {
        var (secret, record) = (Path.Combine(folder, "pki", "disks.key"), Path.Combine(folder, "storage", "keys.json"));
        await using (var controller = new TestController(folder: folder)) Assert.True(File.Exists(secret) && File.Exists(record));
        var made = await File.ReadAllBytesAsync(secret);
        await using (var controller = new TestController(folder: folder)) { }
        Assert.Equal(made, await File.ReadAllBytesAsync(secret));
        File.Delete(secret);
        await using (var controller = new TestController(folder: folder))
        {
            Assert.False(File.Exists(secret));
            var text = Assert.Single((await controller.OperateAsync<StatusReply>(new ShowStatus())).Components,
                part => part.Name == "records").Text;
            foreach (var expected in (string[])["is missing", "from a backup", $"remove {record} and {secret}"])
                Assert.Contains(expected, text, StringComparison.Ordinal);
        }
        // Whoever gives up what was on the disks gets another.
        File.Delete(record);
        await using (var controller = new TestController(folder: folder)) Assert.NotEqual(made, await File.ReadAllBytesAsync(secret));
    }

    [Fact]
    public async Task A_list_that_no_answer_takes_comes_in_pages_whatever_a_machine_says_of_its_disks()
    {
        await using var controller = new TestController(folder: folder);
        var reason = new string('x', 500);
        var expected = new List<string>();
        foreach (var number in (int[])[1, 2, 3])
        {
            var (id, connection, _) = await controller.JoinAsync(TestController.Machine(number));
            await using var session = connection;
            await controller.OperateAsync<Done>(new RenameMachine { Machine = id, Name = $"w{number}" });
            // The third is as it should be, and the others say as much as they can.
            var disks = Enumerable.Range(0, number == 3 ? 2 : 256).Select(disk => Disk($"sd{disk:d3}") with
                { Reasons = number == 3 ? ["it is blank"] : [.. Enumerable.Repeat(reason, 16)] }).ToArray();
            await ReportAsync(connection, disks);
            expected.AddRange(disks.Select(disk => $"w{number}/{disk.Name}"));
        }
        var (told, pages) = (new List<string>(), 0);
        for (string? after = ""; after is not null; pages++)
        {
            var page = await controller.OperateAsync<DiskList>(new ListDisks { After = after });
            told.AddRange(page.Disks.Select(entry => $"{entry.MachineName}/{entry.Disk.Name}"));
            Assert.True(page.Next is null || page.Next != after, "a page goes on where it began");
            after = page.Next;
        }
        Assert.Equal(expected, told);
        Assert.InRange(pages, 2, 10);
        var own = await controller.OperateAsync<DiskList>(new ListDisks { Machine = "w3" });
        Assert.Equal((2, null), (own.Disks.Count, own.Next));
        // Where the disk that a page ended with is gone, the next one goes on behind its place.
        Assert.Equal(["w3/sd000", "w3/sd001"], (await controller.OperateAsync<DiskList>(new ListDisks { After = "w2/sd999" })).Disks
            .Select(entry => $"{entry.MachineName}/{entry.Disk.Name}"));
    }

    [Fact]
    public async Task No_disk_takes_the_name_of_another_by_what_it_says_its_identity_is()
    {
        await using var controller = new TestController(folder: folder);
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1));
        var (_, hostile, _) = await controller.JoinAsync(TestController.Machine(2));
        await using var first = connection;
        await using var second = hostile;
        await controller.OperateAsync<Done>(new RenameMachine { Machine = id, Name = "w1" });
        await ReportAsync(connection, Disk("sda"));
        await ReportAsync(hostile, Disk("sdx") with { Identity = "serial:w1/sda" }, Disk("sdy") with { Identity = "w1/sda" },
            Disk("sdz") with { Identity = $"x:{id}/sda" });
        foreach (var called in (string[])["w1/sda", $"{id}/sda"])
            Assert.Equal(id, (await controller.OperateAsync<DiskReply>(new ShowDisk { Disk = called })).Entry.Machine);
        // Nor the name of one that is not there.
        await ReportAsync(connection, Disk("sdb"));
        Assert.Equal(FaultCode.NotFound, (await Assert.ThrowsAsync<ControlFaultException>(() =>
            controller.OperateAsync<DiskReply>(new ShowDisk { Disk = "w1/sda" }))).Code);
        // It is still found by what it says.
        Assert.Equal("sdx", (await controller.OperateAsync<DiskReply>(new ShowDisk { Disk = "serial:w1/sda" })).Entry.Disk.Name);
    }

    [Fact]
    public async Task Places_that_are_kept_out_in_machines_that_are_gone_are_all_reclaimed_at_once()
    {
        await using var controller = new TestController(folder: folder);
        const string Place = "at:pci-0000:00:1f.2-ata-1";
        foreach (var number in (int[])[1, 2])
        {
            var (id, connection, _) = await controller.JoinAsync(TestController.Machine(number));
            await ReportAsync(connection, Disk("sda") with { Identity = Place });
            await controller.OperateAsync<Done>(new ExcludeDisk { Disk = $"{id}/sda" });
            await controller.LeaveAsync(id, connection);
            controller.Registry.Remove(id);
        }
        Assert.Equal(2, (await controller.OperateAsync<DiskList>(new ListDisks())).Silent.Count);
        await controller.OperateAsync<Done>(new ReclaimDisk { Disk = Place });
        Assert.Empty((await controller.OperateAsync<DiskList>(new ListDisks())).Silent);
    }

    [Fact]
    public async Task What_a_machine_says_is_known_at_once_and_written_now_and_then_and_the_newest_when_the_controller_ends()
    {
        const int Reports = 50;
        var written = new HashSet<DateTime>();
        string path;
        await using (var controller = new TestController(folder: folder))
        {
            var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1));
            await using var session = connection;
            path = Path.Combine(folder, "storage", "reports", $"{id}.json");
            for (var report = 0; report < Reports; report++)
            {
                await ReportAsync(connection, Disk("sda") with { Work = $"{report} MiB are erased" });
                if (File.Exists(path)) written.Add(File.GetLastWriteTimeUtc(path));
            }
            Assert.Equal($"{Reports - 1} MiB are erased",
                Assert.Single((await controller.OperateAsync<DiskList>(new ListDisks())).Disks).Disk.Work);
        }
        Assert.True(written.Count < Reports / 2, $"{written.Count} of {Reports} reports were written, each for itself");
        Assert.Contains($"\"{Reports - 1} MiB are erased\"", await File.ReadAllTextAsync(path), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_machine_fills_the_history_of_all_with_no_more_than_its_part()
    {
        await using var controller = new TestController(folder: folder);
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1));
        await using var session = connection;
        for (var report = 0; report < 40; report++)
            await ReportAsync(connection, [.. Enumerable.Range(0, 16).Select(disk => Disk($"sd{report}x{disk}"))]);
        var events = controller.Events.Read(_ => true, 2000).Events.Select(happened => happened.Text).ToList();
        Assert.Equal(DiskMentions.MostInADay, events.Count(text => text.StartsWith("disk sd", StringComparison.Ordinal)));
        Assert.Single(events, text => text.StartsWith("it told over ", StringComparison.Ordinal));
        // Another one's are noted as before.
        var (_, other, _) = await controller.JoinAsync(TestController.Machine(2));
        await using var second = other;
        await ReportAsync(other);
        await ReportAsync(other, Disk("sdq"));
        Assert.Contains("disk sdq (wwn:5000c5sdq) is new: blank", controller.Events.Read(_ => true, 10).Events.Select(text => text.Text));
    }

    [Fact]
    public async Task No_machine_keeps_another_from_the_keys_that_it_had_by_saying_that_it_has_its_disks()
    {
        var disk = Guid.NewGuid().ToString();
        byte[] given;
        await using (var controller = new TestController(folder: folder))
        {
            await using var first = (await controller.JoinAsync(TestController.Machine(1), key: key)).Connection;
            await ReportAsync(first, Disk("sda", "ours") with { RecordDisk = disk });
            given = (await KeysAsync(first, disk))[disk];
        }
        await using var again = new TestController(folder: folder);
        var (id, one, _) = await again.JoinAsync(TestController.Machine(1), key: key);
        var (stranger, two, _) = await again.JoinAsync(TestController.Machine(2));
        await using var owner = one;
        await using var hostile = two;
        await ReportAsync(two, Disk("sda", "ours") with { RecordDisk = disk });
        await ReportAsync(one, Disk("sda", "ours") with { RecordDisk = disk });
        await Assert.ThrowsAsync<ControlFaultException>(() => KeysAsync(two, disk));
        Assert.Equal(given, (await KeysAsync(one, disk))[disk]);
        var events = again.Events.Read(_ => true, 100).Events.Select(happened => happened.Text).ToList();
        Assert.Contains($"{stranger} and {id} both say that they have the disk {disk}: this one never had its key, and gets none", events);
        Assert.Contains($"{id} and {stranger} both say that they have the disk {disk}: this one had its key before, and gets it", events);
        // Where it moved, the machine where it is gets it; one that was only late to see its disk loses nothing to whoever was faster.
        await ReportAsync(one, Disk("sdb"));
        Assert.Equal(given, (await KeysAsync(two, disk))[disk]);
        await ReportAsync(one, Disk("sda", "ours") with { RecordDisk = disk });
        Assert.Equal(given, (await KeysAsync(one, disk))[disk]);
    }

    private static DiskState Disk(string name, string sort = "blank") => new()
        { Name = name, Identity = $"wwn:5000c5{name}", Class = sort, Bytes = 1_000_000_000, Transport = "sata", Evidence = Seen };

    private static Task ReportAsync(ControlConnection connection, params DiskState[] disks) =>
        connection.CallAsync<Done>(new ReportDisks { Disks = disks }, default);

    private static async Task<IReadOnlyDictionary<string, byte[]>> KeysAsync(ControlConnection connection, params string[] disks) =>
        (await connection.CallAsync<DiskKeys>(new IssueDiskKeys { Disks = disks }, default)).Keys;

    private static async Task<StorageConfiguration> ConfigurationAsync(ControlConnection connection) =>
        (await connection.CallAsync<HeartbeatReply>(TestController.Beat("boot-1"), default)).Configuration.Storage!;
}
