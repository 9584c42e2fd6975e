using System.Diagnostics;
using System.Formats.Tar;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Operos.Ceph.Monitors;
using Operos.Ceph.Pools;
using Operos.Ceph.Tests.Osds;
using Operos.Controller.Backups;
using Operos.Controller.Storage;
using Operos.Controller.Tests;
using Operos.Linux.Ceph;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Ceph.Tests;

/// <summary>The controller's disk is lost, and an old backup is all that there is: the monitor's store comes from the OSDs.</summary>
public sealed class StoreRebuildTests(ITestOutputHelper output)
{
    private const string Early = "pvc-0d2a9c0e-1111-4222-8333-444455550001", Late = "pvc-0d2a9c0e-1111-4222-8333-444455550002";

    [Fact]
    public async Task A_controller_with_an_old_backup_and_no_store_gets_one_from_the_OSDs_and_no_write_is_lost()
    {
        await using var rack = await OsdRack.CreateAsync("rebuild");
        var lab = rack.Lab;
        var (first, second) = (lab.Folder["first"], lab.Folder["second"]);
        foreach (var folder in (string[])[first, second]) Directory.CreateDirectory(folder);
        await using var one = new LossMachine(rack, 1, await rack.AddDiskAsync("one"));
        await using var two = new LossMachine(rack, 2, await rack.AddDiskAsync("two"));
        Guid fsid;
        await using (var controller = new TestController(folder: first, ceph: lab.Monitor))
        {
            await lab.UntilDaemonsWorkAsync();
            fsid = lab.Monitor.Map!.Fsid;
            foreach (var machine in (LossMachine[])[one, two])
            {
                await machine.BootAsync();
                await machine.JoinAsync(controller);
            }
            one.ShowDisk();
            await rack.UntilAsync("the first OSD is up", () => Task.FromResult(UpAs(lab.Monitor, one)));
            await lab.UntilThereIsAPoolAsync();
            Write(lab, Early, "before the backup");

            // Of the backup only what every backup has; what comes later it knows nothing of.
            foreach (var name in BackupSources.StateNames) Copy(Path.Combine(first, name), Path.Combine(second, name));
            File.Copy(lab.Paths.Identity, lab.Folder["identity"]);

            two.ShowDisk();
            await rack.UntilAsync("the second OSD is up", () => Task.FromResult(UpAs(lab.Monitor, two)));
            await lab.UntilAsync("there are two copies", () => lab.Monitor.Facts is { Pools: [{ Size: 2 }] } facts
                && facts.AllPlacementGroups > 0 && facts.CleanPlacementGroups == facts.AllPlacementGroups);
            await controller.OperateAsync<Done>(new SetPool { MinSize = 1 });
            await lab.UntilAsync("it works with one", () => lab.Monitor.Facts!.Pools is [{ MinSize: 1 }]);
            // As the monitor itself makes them.
            Assert.Empty(await lab.Monitor.Osds.WithoutKeyAsync(default));
            Write(lab, Early, "after the backup");
            Write(lab, Late, "of a volume after the backup");
        }
        var ids = (one.Osd!.Id, two.Osd!.Id);

        // One machine boots anew while there is no controller; the OSD of the other lives on.
        await one.LeaveAsync();
        await two.LeaveAsync();
        await lab.LoseMonitorAsync();
        File.Copy(lab.Folder["identity"], lab.Paths.Identity, overwrite: true);
        await one.BootAsync();
        one.ShowDisk();

        TestController? opened = null;
        var clock = Stopwatch.StartNew();
        var monitor = lab.Start(open: ceph => opened = new TestController(folder: second, ceph: ceph));
        var back = opened!;
        await using var closing = back;
        using var end = new CancellationTokenSource();
        var keys = back.Storage.KeepKeysAsync(end.Token);
        await UntilToldAsync(rack, back, "no machine with an OSD of this cluster is connected");
        Assert.Equal(("ceph-mon", false), monitor.Daemons.Select(daemon => (daemon.Name, daemon.Status.Healthy)).Single());
        await one.JoinAsync(back);
        // The other may have a newer map: it is waited for, and who is waited for is said.
        await UntilToldAsync(rack, back, $"not heard from are OSD {ids.Item2}, which may have a newer one");
        await UntilToldAsync(rack, back, $"operosctl storage rebuild --without {ids.Item2}");
        Assert.False(Directory.Exists(lab.Paths.Store(fsid)));
        output.WriteLine($"what is waited for was told after {clock.Elapsed.TotalSeconds:0.0} s");
        await two.JoinAsync(back);
        await lab.UntilAsync("the monitor works", () => lab.Works("ceph-mon"));
        output.WriteLine($"the monitor worked after {clock.Elapsed.TotalSeconds:0.0} s");
        await rack.UntilAsync("both OSDs are up, with their numbers", () => Task.FromResult(UpAs(monitor, one) && UpAs(monitor, two)));
        output.WriteLine($"both OSDs were up after {clock.Elapsed.TotalSeconds:0.0} s");
        await lab.UntilAsync("all copies are there", () => monitor.Facts is { Pools: [{ Size: 2, MinSize: 1 }] } facts
            && facts.AllPlacementGroups > 0 && facts.CleanPlacementGroups == facts.AllPlacementGroups);
        output.WriteLine($"all copies were there after {clock.Elapsed.TotalSeconds:0.0} s");
        Assert.Equal((fsid, ids), (monitor.Map!.Fsid, (one.Osd!.Id, two.Osd!.Id)));
        Assert.Null(monitor.StoreLoss);
        Assert.Equal(("after the backup", "of a volume after the backup"), (Read(lab, Early), Read(lab, Late)));
        Write(lab, Late, "after the loss");
        Assert.Equal("after the loss", Read(lab, Late));
        using (var images = monitor.OpenImages())
            Assert.Equal([Early, Late], (await images.ListAsync(default)).Order(StringComparer.Ordinal));
        // The book has the OSD again of which the backup knew nothing, and each has its disk's key.
        await rack.UntilAsync("the book has both", () => Task.FromResult(new OsdBook(Path.Combine(second, "storage/osds.json")).All
            .Select(osd => (osd.Id, osd.Machine)).ToHashSet().SetEquals([(ids.Item1, one.Id), (ids.Item2, two.Id)])));
        Assert.Equal(FaultCode.Conflict, (await Assert.ThrowsAsync<ControlFaultException>(() =>
            back.OperateAsync<Done>(new RebuildMonitor { Without = [ids.Item2] }))).Code);

        // A volume that a machine has mapped is its own again when it says so, and nobody else's.
        await one.Connection.CallAsync<Done>(new TellVolume { Volume = Late, Addresses = ["127.0.0.1:0/1"] }, default);
        Assert.Equal(FaultCode.Conflict, (await Assert.ThrowsAsync<ControlFaultException>(() => two.Connection.CallAsync<VolumeGrant>(
            new StageVolume { Volume = Late, Image = Late }, default))).Code);
        Assert.Equal(one.Id, Assert.Single(back.Storage.Staged.All).Machine);
        // Its client is of the former store, which is said until it boots anew.
        var words = $"{one.Id} has mapped a volume before the monitor's store was made anew: pods that use them may wait for ever. "
            + $"Next: operosctl machines reboot {one.Id} --force";
        Assert.Contains(words, (await back.OperateAsync<StorageReply>(new ShowStorage())).Troubles);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => keys);

        await two.Connection.CallAsync<VolumeGrant>(new StageVolume { Volume = Early, Image = Early }, default);

        // Once more, and one of the disks is gone for good: an operator says so.
        await one.LeaveAsync();
        await two.LeaveAsync();
        await back.DisposeAsync();
        await lab.LoseMonitorAsync();
        monitor = lab.Start(open: ceph => opened = new TestController(folder: second, ceph: ceph));
        await using var last = opened!;
        await one.JoinAsync(last);
        await UntilToldAsync(rack, last, $"operosctl storage rebuild --without {ids.Item2}");
        Assert.Contains($"OSD {ids.Item2}: not waited for", (await last.OperateAsync<Done>(new RebuildMonitor { Without = [ids.Item2] }))
            .Text, StringComparison.Ordinal);
        await lab.UntilAsync("the monitor works again", () => lab.Works("ceph-mon"));
        Assert.Null(monitor.StoreLoss);
        await lab.UntilAsync("it is looked at", () => monitor.Facts is not null);
        // What the book has kept is of the former store, too.
        Assert.Contains((await last.OperateAsync<StorageReply>(new ShowStorage())).Troubles,
            trouble => trouble.StartsWith($"{two.Id} has mapped a volume before", StringComparison.Ordinal));
        Assert.Contains(rack.Lab.Monitor.Map!.Fsid.ToString(), await lab.AskAsync("osd dump"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_machine_gives_that_is_no_store_makes_none_and_writes_nothing_elsewhere()
    {
        using var folder = Lab.LabFolder.Create(Path.Combine(new Lab.Build().Out, "test"), "ceph-hostile-maps");
        var paths = new MonitorPaths(folder["pki/ceph.json"], folder["ceph"], folder["run"]) { User = null, StoreProgram = "/bin/false" };
        Directory.CreateDirectory(paths.Run);
        var identity = CephIdentity.Make() with { StoreMade = DateTimeOffset.UtcNow, Address = "127.0.0.1" };
        identity.Write(paths.Identity);
        foreach (var (what, archive, said) in ((string, byte[], string)[])
        [
            ("a file above", Tar(new PaxTarEntry(TarEntryType.RegularFile, "../outside")), "is no file of a store"),
            ("a file of the system", Tar(new PaxTarEntry(TarEntryType.RegularFile, folder["outside"])), "is no file of a store"),
            ("a link", Tar(new PaxTarEntry(TarEntryType.SymbolicLink, "store.db") { LinkName = folder.Path },
                new PaxTarEntry(TarEntryType.RegularFile, "store.db/outside")), "is no file of a store"),
            ("a device", Tar(new PaxTarEntry(TarEntryType.CharacterDevice, "null")), "is no file of a store"),
            ("the same file twice", Tar(new PaxTarEntry(TarEntryType.RegularFile, "a"), new PaxTarEntry(TarEntryType.RegularFile, "a")),
                "already exists"),
            ("nothing of a tar", Encoding.ASCII.GetBytes(new string('x', 2048)), "are not had"),
            ("no store", Tar(new PaxTarEntry(TarEntryType.RegularFile, "store.db/CURRENT")), "false failed with 1"),
        ])
        {
            using var end = new CancellationTokenSource();
            var told = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
            var rebuild = new StoreRebuild(paths, new GivenMaps(archive), text =>
            {
                if (text.Contains("are not had", StringComparison.Ordinal)) told.TrySetResult(text);
            }, NullLogger.Instance);
            var making = new MonitorStore(paths, TimeProvider.System, rebuild).PrepareAsync(System.Net.IPAddress.Loopback, end.Token);
            var text = await told.Task.WaitAsync(CephLab.Patience);
            Assert.True(text.Contains(said, StringComparison.Ordinal), $"{what}: {text}");
            await end.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => making);
            Assert.False(Directory.Exists(paths.Store(identity.Fsid)), what);
            Assert.Empty(Directory.EnumerateFiles(folder.Path, "outside*", SearchOption.AllDirectories));
        }
    }

    private static byte[] Tar(params IReadOnlyList<TarEntry> entries)
    {
        using var stream = new MemoryStream();
        using (var writer = new TarWriter(stream, leaveOpen: true))
            foreach (var entry in entries) writer.WriteEntry(entry);
        return stream.ToArray();
    }

    /// <summary>A machine that gives whatever it likes.</summary>
    private sealed class GivenMaps(byte[] archive) : IMapSource
    {
        public IReadOnlySet<int> Forgone { get; } = new HashSet<int>();

        public Task<IReadOnlyList<OfferedMaps>> AskAsync(CancellationToken cancellationToken) =>
            Task.FromResult<IReadOnlyList<OfferedMaps>>([new OfferedMaps("m", Guid.NewGuid(), 7)]);

        public Task FetchAsync(OfferedMaps offer, string path, CancellationToken cancellationToken) =>
            File.WriteAllBytesAsync(path, archive, cancellationToken);

        public string Describe(int osd) => $"OSD {osd}";
    }

    private static bool UpAs(CephMonitor monitor, LossMachine machine) => machine.Osd is { IsRunning: true } osd
        && monitor.Facts?.Osds.Any(one => one.Id == osd.Id && one.IsUp && one.Host == machine.Id && $"{one.Uuid}" == osd.Partition) == true;

    private static Task UntilToldAsync(OsdRack rack, TestController controller, string what) =>
        rack.UntilAsync($"it is told: {what}", async () => (await controller.OperateAsync<StorageReply>(new ShowStorage())).Text
            is var text && text.Contains(what, StringComparison.Ordinal) ? true : throw new Lab.LabException(text));

    /// <summary>Acknowledged by the OSDs when it returns.</summary>
    private static void Write(CephLab lab, string volume, string text)
    {
        using var connection = RadosConnection.Open("client.admin", lab.Paths.ClientConfiguration, CephLab.Patience);
        using var pool = connection.OpenPool(PoolImages.Pool);
        try { pool.Create(volume, 8 << 20); }
        catch (RadosException e) when (e.Exists) { }
        using var image = pool.Open(volume, writable: true);
        image.Keep("written", text);
    }

    private static string? Read(CephLab lab, string volume)
    {
        using var connection = RadosConnection.Open("client.admin", lab.Paths.ClientConfiguration, CephLab.Patience);
        using var pool = connection.OpenPool(PoolImages.Pool);
        using var image = pool.Open(volume, writable: false);
        return image.Find("written");
    }

    private static void Copy(string from, string to)
    {
        if (File.Exists(from)) File.Copy(from, to);
        if (!Directory.Exists(from)) return;
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var path = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.Copy(file, path);
        }
    }
}
