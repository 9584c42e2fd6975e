using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Operos.Ceph;
using Operos.Ceph.Monitors;
using Operos.Controller.Backups;
using Operos.Controller.Configuration;
using Operos.Controller.Disks;
using Operos.Controller.Storage;
using Operos.Kubernetes.Objects;
using Operos.Linux.Supervision;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Tests;

/// <summary>What a controller says of Ceph without a monitor that answers; with real ones: Operos.Ceph.Tests.</summary>
public sealed class StorageTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("operos-storage-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_cluster_without_ceph_says_so_and_gives_nobody_a_key()
    {
        await using var controller = new TestController();
        await using var connection = (await controller.JoinAsync(TestController.Machine(1))).Connection;
        var status = await controller.OperateAsync<StorageReply>(new ShowStorage());
        Assert.Equal("off", status.State);
        Assert.Contains("storage.ceph = true", status.Text, StringComparison.Ordinal);
        Assert.Contains("storage.ceph", (await controller.OperateAsync<OsdList>(new ListOsds())).Trouble!, StringComparison.Ordinal);
        var refusal = await Assert.ThrowsAsync<ControlFaultException>(() => connection.CallAsync<OsdGrant>(Request(), default));
        Assert.Equal((FaultCode.Conflict, "storage.ceph in controller.toml"), (refusal.Code, refusal.Hint));
        foreach (var order in (Message[])[new TakeOsdOut { Osd = 0 }, new PutOsdIn { Osd = 0 }, new RemoveOsd { Osd = 0 },
            new ReplaceOsd { Osd = 0 }, new SetPool { Copies = 2 }, new RebuildMonitor { Without = [0] }])
            Assert.Equal((FaultCode.Conflict, "this cluster has no Ceph"), await RefusedAsync(controller, order));
        var reply = await connection.CallAsync<HeartbeatReply>(TestController.Beat("boot-1"), default);
        Assert.Null(reply.Configuration.Storage!.Ceph);
    }

    [Fact]
    public async Task Volumes_are_for_machines_and_need_ceph_and_an_answer_of_it()
    {
        var stage = new StageVolume { Volume = $"pvc-{Guid.NewGuid()}", Image = $"pvc-{Guid.NewGuid()}" };
        await using (var without = new TestController())
        {
            await using var machine = (await without.JoinAsync(TestController.Machine(1))).Connection;
            foreach (var request in (Message[])[stage, new TellVolume { Volume = "v", Addresses = [] }, new ReleaseVolume { Volume = "v" }])
            {
                var refusal = await Assert.ThrowsAsync<ControlFaultException>(() => machine.CallAsync<Done>(request, default));
                Assert.Equal((FaultCode.Conflict, "this cluster has no Ceph"), (refusal.Code, refusal.Message));
            }
            var list = await without.OperateAsync<VolumeList>(new ListVolumes());
            Assert.Empty(list.Volumes);
            Assert.Contains("keeps no Ceph", list.Trouble, StringComparison.Ordinal);
            Assert.Equal(FaultCode.NotFound, (await Assert.ThrowsAsync<ControlFaultException>(() =>
                without.OperateAsync<VolumeDetail>(new ShowVolume { Volume = "default/data" }))).Code);
            Assert.Equal(FaultCode.Unauthorized, (await Assert.ThrowsAsync<ControlFaultException>(() =>
                without.OperateAsync<VolumeGrant>(stage))).Code);
        }
        using var ceph = Ceph();
        await using var controller = new TestController(ceph: ceph);
        await using var connection = (await controller.JoinAsync(TestController.Machine(1))).Connection;
        var busy = await Assert.ThrowsAsync<ControlFaultException>(() => connection.CallAsync<VolumeGrant>(stage, default));
        Assert.Equal(FaultCode.Busy, busy.Code);
        Assert.True(busy.RetryAfterSeconds > 0);
        // What it never had it may give back.
        await connection.CallAsync<Done>(new ReleaseVolume { Volume = stage.Volume }, default);
        Assert.Contains("kubernetes.enabled", (await controller.OperateAsync<VolumeList>(new ListVolumes())).Trouble,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_is_asked_for_by_ids_of_a_disk_that_the_machine_told_and_waits_for_the_monitor()
    {
        using var ceph = Ceph();
        await using var controller = new TestController(ceph: ceph);
        await using var connection = (await controller.JoinAsync(TestController.Machine(1))).Connection;
        var request = Request();
        foreach (var (bad, code) in ((OsdRequest, string)[])
        [
            (request, FaultCode.NotFound), (request with { Disk = "sda" }, FaultCode.BadRequest),
            (request with { Partition = "../../etc" }, FaultCode.BadRequest), (request with { Bytes = 0 }, FaultCode.BadRequest),
            (request with { Partition = request.Partition.ToUpperInvariant() }, FaultCode.BadRequest),
            (request with { Partition = $"{Guid.Empty}" }, FaultCode.BadRequest),
        ])
            Assert.Equal(code, (await Assert.ThrowsAsync<ControlFaultException>(() =>
                connection.CallAsync<OsdGrant>(bad, default))).Code);
        await connection.CallAsync<Done>(new ReportDisks { Disks = [new DiskState { Name = "sda", Identity = "wwn:1", Class = "ours",
            RecordDisk = request.Disk, Bytes = 1 << 30, Evidence = new string('a', 64) }] }, default);
        var busy = await Assert.ThrowsAsync<ControlFaultException>(() => connection.CallAsync<OsdGrant>(request, default));
        Assert.Equal((FaultCode.Busy, "ceph-mon does not answer"), (busy.Code, busy.Message));
        Assert.True(busy.RetryAfterSeconds > 0);
        foreach (var order in (Message[])[new TakeOsdOut { Osd = 0 }, new PutOsdIn { Osd = 0 }, new RemoveOsd { Osd = 0, LoseData = true },
            new ReplaceOsd { Osd = 0 }, new SetPool { Copies = 2 }])
            Assert.Equal((FaultCode.Conflict, "ceph-mon does not answer"), await RefusedAsync(controller, order));
        Assert.Equal((FaultCode.Conflict, "the monitor's store is not lost, or is made anew already"),
            await RefusedAsync(controller, new RebuildMonitor { Without = [0] }));
        Assert.Equal("unknown", (await controller.OperateAsync<StorageReply>(new ShowStorage())).State);
        // One that asks and asks is told to wait, which costs its disks nothing.
        for (var again = 0; busy.Message != "too often asked about OSDs"; again++)
        {
            Assert.InRange(again, 0, 5000);
            busy = await Assert.ThrowsAsync<ControlFaultException>(() => connection.CallAsync<OsdGrant>(request, default));
            Assert.Equal(FaultCode.Busy, busy.Code);
        }
        await connection.CallAsync<Done>(new ReportDisks { Disks = [] }, default);
    }

    [Fact]
    public async Task What_machines_say_of_osds_is_brought_within_bounds_and_shown()
    {
        using var ceph = Ceph();
        await using var controller = new TestController(ceph: ceph);
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1));
        await using var owned = connection;
        var (bad, partition, disk) = ("\u001b[2J" + new string('x', 600), $"{Guid.NewGuid()}", $"{Guid.NewGuid()}");
        await connection.CallAsync<Done>(new ReportDisks { Disks = [new DiskState { Name = "sda", Identity = "wwn:1", Class = "ours",
            RecordDisk = disk, Bytes = 1 << 30, Evidence = new string('a', 64) }] }, default);
        var told = new OsdState { Id = int.MinValue, Partition = partition, Disk = disk, Text = bad };
        await connection.CallAsync<HeartbeatReply>(TestController.Beat("boot-1") with { Osds = [told, told with { Partition = bad },
            told with { Partition = $"{Guid.NewGuid()}", Disk = bad },
            .. Enumerable.Range(0, 1000).Select(_ => told with { Partition = $"{Guid.NewGuid()}" })] }, default);
        var list = await controller.OperateAsync<OsdList>(new ListOsds());
        Assert.Equal(OsdState.Most - 2, list.Osds.Count);
        var osd = Assert.Single(list.Osds, osd => osd.Partition == partition);
        Assert.Equal((-1, id, "starting", "wwn:1"), (osd.Id, osd.Machine, osd.State, osd.Disk));
        Assert.InRange(osd.Text.Length, 1, 300);
        Assert.DoesNotContain(osd.Text, char.IsControl);
    }

    [Fact]
    public async Task What_may_be_pulled_is_asked_by_disk_machine_or_rack_and_what_nobody_answers_for_is_not_safe()
    {
        using var ceph = Ceph();
        var controller = new TestController(folder: folder, ceph: ceph);
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1));
        var disk = $"{Guid.NewGuid()}";
        await connection.CallAsync<Done>(new ReportDisks { Disks = [new DiskState { Name = "sda", Identity = "wwn:1234", Class = "ours",
            RecordDisk = disk, Bytes = 1 << 30, Evidence = new string('a', 64) }] }, default);
        await controller.OperateAsync<Done>(new LabelMachine { Machine = id, Remove = [],
            Set = new Dictionary<string, string> { ["rack"] = "r1" } });
        foreach (var (called, what) in ((string, string)[])[(id, $"machine {id}"), ("r1", $"rack r1 ({id})"),
            ("wwn:1234", $"disk {id}/sda"), ($"{id}/sda", $"disk {id}/sda")])
        {
            var answer = await controller.OperateAsync<PullAnswer>(new AskPull { What = called });
            Assert.Equal((what, ""), (answer.What, string.Join("; ", answer.Reasons)));
            Assert.True(answer.Safe);
        }
        Assert.Equal(FaultCode.NotFound, (await Assert.ThrowsAsync<ControlFaultException>(() =>
            controller.OperateAsync<PullAnswer>(new AskPull { What = "r2" }))).Code);
        // A rack that is called as a machine is.
        await controller.OperateAsync<Done>(new RenameMachine { Machine = id, Name = "r1" });
        Assert.Equal(FaultCode.Conflict, (await Assert.ThrowsAsync<ControlFaultException>(() =>
            controller.OperateAsync<PullAnswer>(new AskPull { What = "r1" }))).Code);
        await connection.DisposeAsync();
        await controller.DisposeAsync();

        // Of an OSD of it nobody knows whether it may go.
        new OsdBook(Path.Combine(folder, "storage", "osds.json")).Put(
            new GrantedOsd { Partition = Guid.NewGuid(), Disk = disk, Machine = id, Id = 4 });
        await using var next = new TestController(folder: folder, ceph: ceph);
        foreach (var called in (string[])[id, "wwn:1234"])
        {
            var answer = await next.OperateAsync<PullAnswer>(new AskPull { What = called });
            Assert.Equal((false, "whether its OSDs may go is not known: ceph-mon does not answer; operosctl storage status"),
                (answer.Safe, Assert.Single(answer.Reasons)));
            Assert.Equal([4], answer.Osds);
        }
    }

    [Fact]
    public void Volumes_on_a_disk_alone_are_told()
    {
        var (disk, other) = ($"{Guid.NewGuid()}", $"{Guid.NewGuid()}");
        PersistentVolumeObject Volume(string name, string path, string? claim) => new()
        {
            Metadata = new() { Name = name },
            Spec = new() { Local = new() { Path = path }, ClaimRef = claim is null ? null : new() { Namespace = "default", Name = claim } },
        };
        IReadOnlyList<PersistentVolumeObject> all = [Volume("pvc-1", $"/var/lib/operos/volumes/{disk}/pvc-1", "data"),
            Volume("pvc-2", $"/var/lib/operos/volumes/{other}/pvc-2", "other"), Volume("pvc-3", $"/mnt/{disk}/pvc-3", "strange"),
            Volume("pvc-4", $"/var/lib/operos/volumes/{disk}/pvc-4", null), new()];
        Assert.Equal(["2 volumes of class operos-local (default/data, pvc-4) are on this disk alone: what is in them is lost where it does "
            + "not come back, and stands still until then"], PullCheck.OfFolders(comesBack: false, [disk], all));
        Assert.Empty(PullCheck.OfFolders(comesBack: true, [], all));
    }

    [Fact]
    public async Task An_image_without_ceph_is_told_with_the_next_step()
    {
        using var ceph = Ceph();
        var failure = await Assert.ThrowsAsync<IOException>(() => ceph.RunAsync(default));
        Assert.Contains("made without Ceph. Next: set storage.ceph = false", failure.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(folder, "pki", "ceph.json")));
    }

    [Fact]
    public void The_secret_of_an_osd_is_the_same_for_ever_and_another_with_another_disk_or_partition()
    {
        var secret = new DiskSecret(Path.Combine(folder, "disks.key"), Path.Combine(folder, "keys.json"), TimeProvider.System);
        var (disk, partition) = (Guid.NewGuid(), Guid.NewGuid());
        var one = secret.OsdSecretOf(disk, partition);
        var again = new DiskSecret(Path.Combine(folder, "disks.key"), Path.Combine(folder, "keys.json"), TimeProvider.System);
        Assert.Equal(one, again.OsdSecretOf(disk, partition));
        foreach (var other in (byte[][])[secret.OsdSecretOf(disk, disk), secret.OsdSecretOf(partition, partition), secret.KeyOf(disk)])
            Assert.NotEqual(one, other);
    }

    [Fact]
    public void What_was_given_is_remembered_and_a_damaged_record_is_told_and_kept()
    {
        var path = Path.Combine(folder, "osds.json");
        var osd = new GrantedOsd { Partition = Guid.NewGuid(), Disk = "d", Machine = "m", Id = 3 };
        new OsdBook(path).Put(osd);
        Assert.Equal(osd, new OsdBook(path).Find(osd.Partition));
        // One that was removed stays, counts no more, and its place waits until a disk has it.
        var book = new OsdBook(path);
        book.Put(osd with { Removed = DateTimeOffset.UnixEpoch, AwaitsDisk = true });
        Assert.Equal((null, (0, 0, 0)), (book.Find(3), book.Count("d", "m")));
        var read = new OsdBook(path);
        Assert.Equal(osd.Partition, Assert.Single(read.Awaiting("m")).Partition);
        Assert.Empty(read.Awaiting("other"));
        var next = osd with { Partition = Guid.NewGuid(), Disk = "e" };
        read.Put(next, read.Awaiting("m")[0] with { AwaitsDisk = false });
        Assert.Empty(new OsdBook(path).Awaiting("m"));
        Assert.Equal(next, new OsdBook(path).Find(3));
        Assert.NotNull(new OsdBook(path).Find(osd.Partition)!.Removed);
        foreach (var damaged in (string[])["", "null", "{}x", """{"osds":null}""", """{"osds":[null]}""", """{"format":99}"""])
        {
            File.WriteAllText(path, damaged);
            Assert.Contains("no keys of OSDs are given out", new OsdBook(path).Trouble!, StringComparison.Ordinal);
            Assert.Equal(damaged, File.ReadAllText(path));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("""{"fsid":"00000000-0000-0000-0000-000000000000","monitorKey":"","adminKey":"","managerKey":""}""")]
    [InlineData("""{"fsid":"6f1c1b1e-0f6e-4a63-9a0d-1a2b3c4d5e6f","monitorKey":"AQ==","adminKey":"AQ==","managerKey":"AQ=="}""")]
    public void A_damaged_identity_is_told_and_never_made_anew(string damaged)
    {
        var path = Path.Combine(folder, "ceph.json");
        File.WriteAllText(path, damaged);
        var failure = Assert.Throws<IOException>(() => CephIdentity.Read(path));
        Assert.Contains("put it back from a backup", failure.Message, StringComparison.Ordinal);
        Assert.Equal(damaged, File.ReadAllText(path));
    }

    [Fact]
    public void A_backup_has_the_identity_the_maps_and_what_was_given_and_not_the_store()
    {
        var paths = new ControllerPaths { State = folder, System = Path.Combine(folder, "system"),
            Configuration = Path.Combine(folder, "none") };
        var made = CephIdentity.Make();
        made.Write(paths.Ceph.Identity);
        foreach (var file in (string[])[paths.Osds, Path.Combine(paths.Ceph.Kept!, "crushmap"),
            Path.Combine(paths.Ceph.Store(made.Fsid), "keyring")])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, "{}");
        }
        Assert.Equal(["state/pki/ceph.json", "state/storage/ceph/crushmap", "state/storage/osds.json"],
            BackupSources.Read(paths).Select(file => file.Part.Name).Order(StringComparer.Ordinal));
        Assert.All(BackupSources.Read(paths), file => Assert.True(BackupSources.Has(file.Part.Name)));
    }

    private static async Task<(string Code, string Text)> RefusedAsync(TestController controller, Message order)
    {
        var refusal = await Assert.ThrowsAsync<ControlFaultException>(() => controller.OperateAsync<Done>(order));
        return (refusal.Code, refusal.Message);
    }

    private static OsdRequest Request() =>
        new() { Disk = $"{Guid.NewGuid()}", Partition = $"{Guid.NewGuid()}", Bytes = 1 << 30, Rotational = false };

    /// <summary>One whose programs are not there.</summary>
    private CephMonitor Ceph() => new(new MonitorPaths(Path.Combine(folder, "pki", "ceph.json"), Path.Combine(folder, "ceph"),
        Path.Combine(folder, "run")) { User = null, MonitorProgram = Path.Combine(folder, "ceph-mon") }, IPAddress.Loopback,
        DaemonHost.Children(NullLogger.Instance), TimeProvider.System, NullLogger<CephMonitor>.Instance);
}
