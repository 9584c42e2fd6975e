using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Operos.Backup;
using Operos.Controller.Backups;
using Operos.Controller.Configuration;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Tests;

/// <summary>Backups of a controller that runs no Kubernetes; with etcd: Operos.Kubernetes.Tests.</summary>
public sealed class BackupTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("operos-backup-").FullName;
    private readonly TestClock clock = new();

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_controller_on_a_blank_disk_knows_its_machines_and_operators_again_and_they_it()
    {
        string id, name;
        var copy = Path.Combine(folder, "copy.tar");
        var (lost, blank) = (Path.Combine(folder, "lost"), Path.Combine(folder, "blank"));
        await using (var controller = new TestController(folder: Directory.CreateDirectory(lost).FullName))
        {
            (id, var connection, _) = await controller.JoinAsync(TestController.Machine(1));
            await controller.OperateAsync<Done>(new RenameMachine { Machine = id, Name = "first" });
            name = (await controller.OperateAsync<BackupReply>(new CreateBackup())).Backup.Name;
            Assert.Equal(name, Assert.Single((await controller.OperateAsync<BackupList>(new ListBackups())).Backups).Name);
            await controller.OperateAsync<BackupReply>(new VerifyBackup { Name = name });
            // What came later is lost with the disk.
            await controller.OperateAsync<Done>(new RenameMachine { Machine = id, Name = "later" });
            await File.WriteAllBytesAsync(copy, await FetchAsync(controller, name));
            await connection.DisposeAsync();
        }
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(lost, "backups", name + ".tar")));
        var key = await File.ReadAllBytesAsync(Path.Combine(lost, "pki/ca.key"));
        Directory.Delete(lost, recursive: true);

        // A disk that is new was set up: it has an authority of its own, and nobody else.
        await using (var fresh = new TestController(folder: blank)) { }
        await RestoreAsync(copy, blank);
        Assert.Equal(key, await File.ReadAllBytesAsync(Path.Combine(blank, "pki/ca.key")));
        Assert.False(BackupRestore.IsUnfinished(blank));
        Assert.True(File.Exists(Path.Combine(blank, "before-restore/pki/ca.key")));
        Assert.False(Directory.Exists(Path.Combine(blank, "restore.partial")));
        await using var restored = new TestController(folder: blank);
        var machine = Assert.Single((await restored.OperateAsync<MachineList>(new ListMachines())).Machines);
        Assert.Equal((id, "first"), (machine.Id, machine.Name));
        var back = await restored.EnrolAsync(TestController.Machine(1), "boot-2");
        Assert.Equal(id, back.MachineId);
    }

    [Fact]
    public async Task The_keys_of_disks_and_which_are_kept_out_come_back_with_a_restored_controller()
    {
        var disk = Guid.NewGuid().ToString();
        using var machine = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        async Task<byte[]> KeyAsync(TestController controller)
        {
            await using var connection = (await controller.JoinAsync(TestController.Machine(1), key: machine)).Connection;
            await connection.CallAsync<Done>(new ReportDisks { Disks =
                [new DiskState { Name = "sda", Identity = "wwn:5000c5sda", Class = "ours", RecordDisk = disk }] }, default);
            return (await connection.CallAsync<DiskKeys>(new IssueDiskKeys { Disks = [disk] }, default)).Keys[disk];
        }
        var (lost, blank) = (Path.Combine(folder, "lost"), Path.Combine(folder, "blank"));
        byte[] key;
        string copy;
        await using (var controller = new TestController(folder: Directory.CreateDirectory(lost).FullName))
        {
            key = await KeyAsync(controller);
            await controller.OperateAsync<Done>(new ExcludeDisk { Disk = "wwn:5000c5sda" });
            copy = await MakeAsync(controller);
        }
        await using (var fresh = new TestController(folder: blank)) { }
        await RestoreAsync(copy, blank);
        await using var restored = new TestController(folder: blank);
        Assert.Equal(key, await KeyAsync(restored));
        Assert.NotNull(Assert.Single((await restored.OperateAsync<DiskList>(new ListDisks())).Disks).Excluded);
    }

    [Theory]
    [InlineData("a flipped byte")]
    [InlineData("cut off")]
    [InlineData("an entry more")]
    [InlineData("a way out")]
    [InlineData("a newer format")]
    [InlineData("another file")]
    public async Task A_damaged_backup_is_told_and_changes_nothing(string damage)
    {
        await using var controller = new TestController(folder: Path.Combine(folder, "state"));
        var path = await MakeAsync(controller);
        var bytes = await File.ReadAllBytesAsync(path);
        switch (damage)
        {
            case "a flipped byte": bytes[Find(bytes, "-----BEGIN") + 40] ^= 1; break;
            case "cut off": bytes = bytes[..(bytes.Length / 2)]; break;
            case "an entry more": bytes = WithEntry(bytes, "state/pki/more"); break;
            case "a way out": bytes = Replaced(bytes, "state/pki/ca.key", "state/../../../k"); break;
            case "a newer format": bytes = Replaced(bytes, "\"format\": 1,", "\"format\": 9,"); break;
            default: bytes = Encoding.ASCII.GetBytes("hello, world\n"); break;
        }
        await File.WriteAllBytesAsync(path, bytes);
        await Assert.ThrowsAsync<ControlFaultException>(() => controller.OperateAsync<BackupReply>(
            new VerifyBackup { Name = Path.GetFileNameWithoutExtension(path) }));
        var blank = Directory.CreateDirectory(Path.Combine(folder, "blank")).FullName;
        await File.WriteAllTextAsync(Path.Combine(blank, "release.pub"), "as it was");
        await Assert.ThrowsAsync<BackupException>(() => RestoreAsync(path, blank));
        Assert.Equal(["release.pub"], Directory.GetFileSystemEntries(blank).Select(Path.GetFileName));
    }

    [Fact]
    public async Task A_restore_that_was_cut_off_is_told_and_run_once_more_and_another_cluster_s_state_is_not_replaced()
    {
        await using var controller = new TestController(folder: Path.Combine(folder, "state"));
        var path = await MakeAsync(controller);
        var target = Path.Combine(folder, "target");
        await using (var other = new TestController(folder: target))
        {
            await (await other.JoinAsync(TestController.Machine(1))).Connection.DisposeAsync();
            await (await other.JoinAsync(TestController.Machine(2))).Connection.DisposeAsync();
        }
        Assert.Contains("another cluster's, with 2 machines",
            (await Assert.ThrowsAsync<BackupException>(() => RestoreAsync(path, target))).Message, StringComparison.Ordinal);
        // Cut off where a folder stands in the way of a file of the system.
        var system = Directory.CreateDirectory(Path.Combine(folder, "system/etc/operos/controller.toml")).FullName;
        await Assert.ThrowsAnyAsync<Exception>(() => RestoreAsync(path, target, force: true));
        Assert.True(BackupRestore.IsUnfinished(target));
        Directory.Delete(system);
        await RestoreAsync(path, target);
        Assert.False(BackupRestore.IsUnfinished(target));
        Assert.Equal(2, Directory.GetFiles(Path.Combine(target, "before-restore/machines"), "*.json").Length);
        Assert.Equal(await File.ReadAllTextAsync(Path.Combine(folder, "state/pki/ca.crt")),
            await File.ReadAllTextAsync(Path.Combine(target, "pki/ca.crt")));
        Assert.Equal("# configuration\n", await File.ReadAllTextAsync(Path.Combine(folder, "system/etc/operos/controller.toml")));
    }

    [Fact]
    public async Task A_backup_a_day_is_made_the_missed_one_at_the_start_and_no_more_are_kept_than_are_to_be()
    {
        var (paths, founded) = (Paths("state"), clock.GetUtcNow());
        CreateState(paths);
        var (store, maker) = (new BackupStore(paths.Backups), new List<string>());
        var made = new BackupMaker(store, paths, 2, null, clock, NullLogger<BackupMaker>.Instance);
        await made.MakeAsync(BackupStore.Manual, default);
        for (var day = 0; day < 4; day++)
        {
            // Each day another agent begins, a day and a half after the last.
            clock.Ahead += TimeSpan.FromHours(36);
            var schedule = new BackupSchedule(store, made, 2, founded, clock, NullLogger<BackupSchedule>.Instance);
            using var stop = new CancellationTokenSource();
            var running = schedule.RunAsync(stop.Token);
            await UntilAsync(() => store.Newest(BackupStore.Daily, clock.GetUtcNow()) > clock.GetUtcNow() - TimeSpan.FromMinutes(5));
            Assert.True(schedule.Status.Healthy);
            maker.Add(store.All[0].Name);
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        }
        Assert.Equal([maker[3], maker[2]], store.All.Where(backup => backup.Manifest!.Kind == BackupStore.Daily)
            .Select(backup => backup.Name));
        Assert.Single(store.All, backup => backup.Manifest!.Kind == BackupStore.Manual);
    }

    [Fact]
    public async Task A_day_s_backup_that_cannot_be_made_is_told_and_takes_none_away()
    {
        var paths = Paths("state");
        CreateState(paths);
        var store = new BackupStore(paths.Backups);
        var maker = new BackupMaker(store, paths, 1, null, clock, NullLogger<BackupMaker>.Instance);
        var before = await maker.MakeAsync(BackupStore.Daily, default);
        clock.Ahead = TimeSpan.FromDays(2);
        // As a disk's error has it: a record that is there and cannot be read.
        Directory.CreateDirectory(Path.Combine(paths.State, "machines"));
        await using (File.Create(Path.Combine(paths.State, "machines/large.json"))) { }
        using (var large = File.OpenWrite(Path.Combine(paths.State, "machines/large.json"))) large.SetLength((64 << 20) + 1);
        var schedule = new BackupSchedule(store, maker, 1, clock.GetUtcNow(), clock, NullLogger<BackupSchedule>.Instance);
        using var stop = new CancellationTokenSource();
        var running = schedule.RunAsync(stop.Token);
        await UntilAsync(() => !schedule.Status.Healthy);
        Assert.Contains("large.json", schedule.Status.Text, StringComparison.Ordinal);
        Assert.Equal(before.Name, Assert.Single(store.All).Name);
        Assert.Equal([store.PathOf(before.Name)], Directory.GetFiles(paths.Backups));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    [Fact]
    public async Task Without_etcd_s_contents_where_there_should_be_some_no_backup_is_made_and_none_is_put_back()
    {
        var paths = Paths("state");
        CreateState(paths);
        var store = new BackupStore(paths.Backups);
        var keyless = new BackupMaker(store, paths, 1, null, clock, NullLogger<BackupMaker>.Instance, needsSnapshot: true);
        Assert.NotNull(keyless.Obstacle);
        await Assert.ThrowsAsync<BackupException>(() => keyless.MakeAsync(BackupStore.Daily, default));
        Assert.Empty(store.All);
        await using var controller = new TestController(folder: paths.State);
        await (await controller.JoinAsync(TestController.Machine(1))).Connection.DisposeAsync();
        await (await controller.JoinAsync(TestController.Machine(2))).Connection.DisposeAsync();
        var path = await MakeAsync(controller);
        Directory.CreateDirectory(Path.Combine(paths.State, "etcd"));
        Assert.Contains("no snapshot of etcd", (await Assert.ThrowsAsync<BackupException>(() => RestoreAsync(path, paths.State))).Message,
            StringComparison.Ordinal);
        Assert.True(Directory.Exists(Path.Combine(paths.State, "etcd")));
    }

    [Fact]
    public async Task Where_the_program_that_puts_etcd_s_contents_back_is_missing_that_is_told_and_nothing_is_changed()
    {
        await using var controller = new TestController(folder: Path.Combine(folder, "state"));
        var (path, target) = (WithSnapshot(await MakeAsync(controller)), Path.Combine(folder, "target"));
        var restore = new BackupRestore(target, Path.Combine(folder, "system")) { Programs = $"{folder}/bin:{folder}" };
        var stopped = false;
        await using var input = File.OpenRead(path);
        var refused = await Assert.ThrowsAsync<IOException>(() => restore.RunAsync(input, false, _ =>
        {
            stopped = true;
            return Task.CompletedTask;
        }, default));
        Assert.Equal("etcdutl is not in PATH, and puts etcd's snapshot back: on Debian it is in the package etcd-server", refused.Message);
        Assert.False(stopped);
        Assert.Empty(Directory.GetFileSystemEntries(target));
    }

    [Fact]
    public async Task What_an_earlier_restore_put_aside_is_not_taken_away_without_a_word()
    {
        await using var controller = new TestController(folder: Path.Combine(folder, "state"));
        var path = await MakeAsync(controller);
        var target = Path.Combine(folder, "target");
        await using (var fresh = new TestController(folder: target)) Assert.NotNull(fresh);
        await RestoreAsync(path, target);
        Assert.Contains("before-restore", (await Assert.ThrowsAsync<BackupException>(() => RestoreAsync(path, target))).Message,
            StringComparison.Ordinal);
        await RestoreAsync(path, target, force: true);
    }

    [Theory]
    [InlineData("52:54:00:00:00:01")]
    [InlineData("52:54:00:00:00:02")]
    public void A_network_of_a_card_that_this_machine_has_not_got_is_of_the_one_that_it_was_set_up_with(string present)
    {
        static string Text(string mac) => $"# written\n[Match]\nMACAddress={mac}\nKind=!bond\n\n[Network]\nAddress=10.77.0.1/24\n";
        var before = Text("52:54:00:00:00:01");
        var now = NetworkCard.Keep(before, Text("52:54:00:00:00:02"), new HashSet<string> { present });
        Assert.Equal(Text(present), now);
        Assert.Equal(before, NetworkCard.Keep(before, null, new HashSet<string>()));
    }

    [Fact]
    public async Task Only_an_admin_gets_a_backup_s_bytes_and_only_with_the_ticket_that_the_log_tells_of()
    {
        await using var controller = new TestController(folder: Path.Combine(folder, "state"));
        var name = Path.GetFileNameWithoutExtension(await MakeAsync(controller));
        var bob = new Operations.Caller("bob", OperatorRole.Operator, "192.0.2.7");
        await Assert.ThrowsAsync<RefusedException>(() => controller.Operations.RunAsync(new OpenBackup { Name = name }, bob, default));
        var ticket = await controller.OperateAsync<BackupTicket>(new OpenBackup { Name = name });
        await Assert.ThrowsAsync<RefusedException>(() => controller.Operations.RunAsync(
            new ReadBackup { Ticket = ticket.Ticket, Offset = 0 }, bob with { Role = OperatorRole.Admin }, default));
        Assert.NotEmpty((await controller.OperateAsync<BackupData>(new ReadBackup { Ticket = ticket.Ticket, Offset = 0 })).Data);
        Assert.Empty((await controller.OperateAsync<BackupData>(new ReadBackup { Ticket = ticket.Ticket, Offset = 1L << 40 })).Data);
        controller.Clock.Ahead = TimeSpan.FromHours(2);
        await Assert.ThrowsAsync<ControlFaultException>(() => controller.OperateAsync<BackupData>(
            new ReadBackup { Ticket = ticket.Ticket, Offset = 0 }));
        foreach (var odd in (string[])["", "..", "../pki/ca", "20260101T000000Z-weekly", "20260101T000000Z-daily", new string('a', 5000)])
            await Assert.ThrowsAsync<ControlFaultException>(() => controller.OperateAsync<BackupTicket>(new OpenBackup { Name = odd }));
        Assert.Contains(controller.Audit.Read(default, null, 50).Entries, entry => entry.Operation == "backup copy"
            && entry.Arguments.Any(argument => argument.Value == name));
    }

    private async Task RestoreAsync(string backup, string state, bool force = false)
    {
        await using var input = File.OpenRead(backup);
        var restore = new BackupRestore(state, Path.Combine(folder, "system"));
        await restore.RunAsync(input, force, _ => Task.CompletedTask, default);
        restore.Finish();
    }

    private async Task<string> MakeAsync(TestController controller)
    {
        var maker = new BackupMaker(new BackupStore(Path.Combine(controller.Folder, "backups")),
            Paths(Path.GetFileName(controller.Folder)), 7, null, clock, NullLogger<BackupMaker>.Instance);
        return Path.Combine(controller.Folder, "backups", (await maker.MakeAsync(BackupStore.Manual, default)).Name + ".tar");
    }

    /// <summary>The same backup as one of a controller with etcd has it; what is in the snapshot nobody reads.</summary>
    private string WithSnapshot(string backup)
    {
        var files = new Dictionary<string, MemoryStream>();
        BackupManifest manifest;
        using (var input = File.OpenRead(backup))
            manifest = BackupArchive.Read(input, part => files[part.Name] = new MemoryStream(), default);
        var snapshot = "a snapshot"u8.ToArray();
        files[BackupPart.Snapshot] = new MemoryStream(snapshot);
        manifest = manifest with
        {
            Revision = 1, Parts = [.. manifest.Parts, new BackupPart { Name = BackupPart.Snapshot, Size = snapshot.Length, Mode = "0600",
                Sha256 = Convert.ToHexStringLower(SHA256.HashData(snapshot)) }],
        };
        var path = Path.Combine(folder, "with-etcd.tar");
        using var output = File.Create(path);
        BackupArchive.Write(output, manifest, part => new MemoryStream(files[part.Name].ToArray()));
        return path;
    }

    private ControllerPaths Paths(string state)
    {
        var configuration = Path.Combine(folder, "controller.toml");
        File.WriteAllText(configuration, "# configuration\n");
        return new() { State = Path.Combine(folder, state), System = Path.Combine(folder, "of"), Configuration = configuration };
    }

    private static void CreateState(ControllerPaths paths) =>
        Authority.CertificateAuthority.OpenOrCreate(paths.Pki, TimeProvider.System);

    private static async Task<byte[]> FetchAsync(TestController controller, string name)
    {
        var ticket = await controller.OperateAsync<BackupTicket>(new OpenBackup { Name = name });
        var bytes = new List<byte>();
        while (bytes.Count < ticket.SizeBytes)
            bytes.AddRange((await controller.OperateAsync<BackupData>(
                new ReadBackup { Ticket = ticket.Ticket, Offset = bytes.Count })).Data);
        return [.. bytes];
    }

    private static int Find(byte[] bytes, string text)
    {
        var at = bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes(text));
        Assert.True(at >= 0, $"{text} is not in the backup");
        return at;
    }

    private static byte[] Replaced(byte[] bytes, string text, string other)
    {
        var changed = Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(bytes).Replace(text, other, StringComparison.Ordinal));
        Assert.NotEqual(bytes, changed);
        return changed;
    }

    private static byte[] WithEntry(byte[] bytes, string name)
    {
        using var output = new MemoryStream();
        using (var tar = new TarWriter(output, leaveOpen: true))
        {
            using var reader = new TarReader(new MemoryStream(bytes));
            while (reader.GetNextEntry(copyData: true) is { } entry) tar.WriteEntry(entry);
            tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream([1]) });
        }
        return output.ToArray();
    }

    private static async Task UntilAsync(Func<bool> holds)
    {
        for (var attempt = 0; !holds(); attempt++)
        {
            Assert.True(attempt < 400, "it does not hold within 20 s");
            await Task.Delay(50);
        }
    }
}
