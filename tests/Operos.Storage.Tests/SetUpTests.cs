using Operos.Linux;
using Operos.Storage.Classes;
using Operos.Storage.Contents;
using Operos.Storage.Layouts;
using Operos.Storage.Looks;
using Operos.Storage.Records;
using Operos.Storage.Work;

namespace Operos.Storage.Tests;

/// <summary>Disks of either sector size are set up by the real programs, and whatever is cut is completed.</summary>
public sealed class SetUpTests(ITestOutputHelper output)
{
    private const long GiB = 1L << 30, MiB = 1L << 20;

    [Theory]
    [InlineData(512, false)]
    [InlineData(4096, false)]
    [InlineData(512, true)]
    [InlineData(4096, true)]
    public async Task A_blank_disk_becomes_what_was_planned(int sector, bool byTheImagesRepart)
    {
        using var disk = new LoopDisk(sector, 12 * GiB);
        // Where no image was made here, by the host's again.
        var repart = (byTheImagesRepart ? LoopDisk.ImageRepart(disk) : null) ?? "systemd-repart";
        output.WriteLine(await LoopDisk.ShellAsync($"{repart} --version"));
        var steps = new List<string>();
        var own = await disk.SetUpAsync(new DiskSetUp(Disks.Policy, steps.Add) { RepartPath = repart });
        output.WriteLine(string.Join('\n', steps));
        Assert.Equal([PartitionUse.Ephemeral, PartitionUse.Volumes, PartitionUse.Osd], own.Partitions.Select(partition => partition.Use));
        Assert.Equal(MiB, own.Partitions[0].Offset);
        Assert.All(own.Partitions, partition => Assert.True(partition.IsKnown, partition.Path));
        Assert.All(own.Partitions, partition => Assert.Equal(partition.Bytes, BlockDeviceBytes(partition.Path)));
        Assert.InRange(own.Partitions.Sum(partition => partition.Bytes), 12 * GiB - 4 * MiB, 12 * GiB - 3 * MiB);

        var verdict = await disk.LookAsync();
        Assert.True(verdict.Class == DiskClass.Ours, string.Join("; ", verdict.Reasons));
        Assert.Equal(own.Record, verdict.Record);
        // The record named the table before systemd-repart wrote it.
        Assert.Equal([own.Record.Table], verdict.Evidence.Tables.Select(table => table.Id).Distinct());
        Assert.Equal("ext2/3/4", await ContentOf(own.Partitions[1].Path));
        // A BIOS that comes here goes on: int 18h, int 19h.
        using (var device = BlockDevice.Open(disk.Device))
            Assert.Equal("CD18CD19F4EBFD00", Convert.ToHexString(device.Read(0, 8)));

        // What is done is not done again.
        Assert.Empty(MachineLayout.Plan([verdict], new()));
        var refused = await Assert.ThrowsAsync<StorageException>(() =>
            new DiskSetUp(Disks.Policy, _ => { }).RunAsync(verdict, new() { Partitions = [] }, LoopDisk.Cancellation));
        Assert.Contains("is not set up: this cluster's", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Local_volumes_are_a_file_system_that_keeps_what_is_written()
    {
        using var disk = new LoopDisk(512, 12 * GiB);
        var own = await disk.SetUpAsync(new DiskSetUp(Disks.Policy, _ => { }));
        var volumes = own.Partitions.Single(partition => partition.Use == PartitionUse.Volumes);
        var where = Path.Combine(disk.Folder, "mounted");
        for (var boot = 0; boot < 2; boot++)
        {
            await FileSystem.MountAsync(volumes.Path, where, null, LoopDisk.Cancellation);
            try
            {
                if (boot == 0) await File.WriteAllTextAsync(Path.Combine(where, "kept"), "yes", LoopDisk.Cancellation);
                else Assert.Equal("yes", await File.ReadAllTextAsync(Path.Combine(where, "kept"), LoopDisk.Cancellation));
                Assert.InRange(new DriveInfo(where).TotalSize, volumes.Bytes * 9 / 10, volumes.Bytes);
                // While it is mounted the disk is ours and in use.
                Assert.Contains($"in use: mounted at {where}", (await disk.LookAsync()).Reasons);
            }
            finally { Mounts.Detach(where); }
        }
    }

    [Theory]
    [InlineData(512)]
    [InlineData(4096)]
    public async Task Whatever_step_is_cut_the_disk_is_unfinished_and_the_next_run_completes_it(int sector)
    {
        var steps = new List<string>();
        using (var whole = new LoopDisk(sector, 12 * GiB))
            await whole.SetUpAsync(new DiskSetUp(Disks.Policy, _ => { }) { Between = steps.Add });
        output.WriteLine(string.Join(", ", steps));
        Assert.Equal(["record", "claimed", "partitioned", "Partitioned", "boot code", "file system", "Formatted", "Ready"], steps);
        for (var cut = 0; cut < steps.Count; cut++)
        {
            using var disk = new LoopDisk(sector, 12 * GiB);
            var left = cut;
            await Assert.ThrowsAsync<PowerCut>(() => disk.SetUpAsync(new DiskSetUp(Disks.Policy, _ => { })
                { Between = step => { if (left-- == 0) throw new PowerCut(step); } }));
            var verdict = await disk.LookAsync();
            var right = steps[cut] == "Ready" ? DiskClass.Ours : DiskClass.UnfinishedOurs;
            Assert.True(verdict.Class == right, $"cut after {steps[cut]}: {verdict.Class}: {string.Join("; ", verdict.Reasons)}");
            // Its id is the one that it was claimed with, on another machine too.
            var id = verdict.Record!.Disk;
            var elsewhere = Disks.Policy with { Machine = Guid.NewGuid() };
            if (right == DiskClass.Ours) continue;
            var plan = Assert.Single(MachineLayout.Plan([await disk.LookAsync(elsewhere)], new()));
            var own = await new DiskSetUp(elsewhere, _ => { }).RunAsync(plan.Disk, plan.Layout, LoopDisk.Cancellation);
            Assert.Equal((id, elsewhere.Machine, DiskWork.Ready), (own.Record.Disk, own.Record.Machine, own.Record.Work));
            Assert.Equal(DiskClass.Ours, (await disk.LookAsync()).Class);
            Assert.Equal("ext2/3/4", await ContentOf(own.Partitions[1].Path));
        }
    }

    [Theory]
    [InlineData(512)]
    [InlineData(4096)]
    public async Task Programs_that_are_killed_at_any_moment_leave_what_the_next_run_completes(int sector)
    {
        var random = new Random(sector);
        var classes = new List<string>();
        for (var round = 0; round < 6; round++)
        {
            using var disk = new LoopDisk(sector, 12 * GiB);
            // What it would do is asked in peace: the kill comes while it writes.
            var killed = disk.Script($"case \" $* \" in *--dry-run=no*) exec timeout -s KILL {random.Next(1, 50) / 1000.0:0.000} "
                + "systemd-repart \"$@\";; esac; exec systemd-repart \"$@\"");
            try { await disk.SetUpAsync(new DiskSetUp(Disks.Policy, _ => { }) { RepartPath = killed }); }
            catch (StorageException e) { Assert.Contains("systemd-repart ended with 137", e.Message, StringComparison.Ordinal); }
            var verdict = await disk.LookAsync();
            classes.Add($"{verdict.Class}: {verdict.Evidence.Tables.Count} tables, {verdict.Evidence.Remains.Count} blocks");
            if (verdict.Class == DiskClass.Ours) continue;
            Assert.True(verdict.Class == DiskClass.UnfinishedOurs, string.Join("; ", verdict.Reasons));
            // Of a file system a part.
            await Assert.ThrowsAsync<PowerCut>(() => disk.SetUpAsync(new DiskSetUp(Disks.Policy, _ => { })
                { Between = step => { if (step == "Partitioned") throw new PowerCut(step); } }));
            var volumes = OwnDisk.Read(await disk.LookAsync()).Partitions[1];
            await LoopDisk.ShellAsync($"timeout -s KILL 0.0{random.Next(1, 9)} mkfs.ext4 -q -F {volumes.Path} || true");
            var own = await disk.SetUpAsync(new DiskSetUp(Disks.Policy, _ => { }));
            Assert.Equal(DiskWork.Ready, own.Record.Work);
            await LoopDisk.ShellAsync($"e2fsck -f -n {own.Partitions[1].Path}");
        }
        output.WriteLine(string.Join('\n', classes));
    }

    /// <summary>systemd-repart writes the first sector last, and the kernel takes no table without it.</summary>
    [Theory]
    [InlineData(512)]
    [InlineData(4096)]
    public async Task A_table_without_the_sector_before_it_is_written_again(int sector)
    {
        using var disk = new LoopDisk(sector, 12 * GiB);
        await Assert.ThrowsAsync<PowerCut>(() => disk.SetUpAsync(new DiskSetUp(Disks.Policy, _ => { })
            { Between = step => { if (step == "partitioned") throw new PowerCut(step); } }));
        disk.Put(0, new byte[512]);
        var own = await disk.SetUpAsync(new DiskSetUp(Disks.Policy, _ => { }));
        Assert.Equal(DiskWork.Ready, own.Record.Work);
        Assert.Contains((await disk.LookAsync()).Evidence.Signatures, signature => signature.Name == "protective MBR");
    }

    [Fact]
    public async Task A_partition_that_the_kernel_does_not_know_is_told_it_while_the_disk_is_held()
    {
        using var disk = new LoopDisk(512, 12 * GiB);
        var made = await disk.SetUpAsync(new DiskSetUp(Disks.Policy, _ => { }));
        // As after a boot with a first sector that somebody cleared.
        disk.Put(0, new byte[512]);
        foreach (var partition in made.Partitions.Where(partition => File.Exists(partition.Path)))
            PartitionDevices.Remove(disk.Device, partition.Number);
        var own = OwnDisk.Read(await disk.LookAsync());
        var volumes = own.Partitions.Single(partition => partition.Use == PartitionUse.Volumes);
        Assert.False(volumes.IsKnown);
        using (await HeldDisk.OpenAsync(own, volumes, LoopDisk.Cancellation))
            Assert.Equal(volumes.Bytes, BlockDeviceBytes(volumes.Path));

        // Another disk has its name.
        var stranger = own with { Record = own.Record with { Disk = Guid.NewGuid() } };
        var refused = await Assert.ThrowsAsync<StorageException>(() => HeldDisk.OpenAsync(stranger, volumes, LoopDisk.Cancellation));
        Assert.Contains("any more: it is looked at again", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_finished_disk_is_taken_over_by_its_record_alone()
    {
        using var disk = new LoopDisk(512, 12 * GiB);
        var own = await disk.SetUpAsync(new DiskSetUp(Disks.Policy, _ => { }));
        var elsewhere = Disks.Policy with { Machine = Guid.NewGuid() };
        var seen = await disk.LookAsync(elsewhere);
        Assert.True(seen.IsAnotherMachines);
        await DiskTakeOver.RunAsync(seen, elsewhere, LoopDisk.Cancellation);
        var now = await disk.LookAsync(elsewhere);
        Assert.False(now.IsAnotherMachines);
        Assert.Equal((own.Record.Disk, elsewhere.Machine, DiskWork.Ready), (now.Record!.Disk, now.Record.Machine, now.Record.Work));
        var refused = await Assert.ThrowsAsync<StorageException>(() => DiskTakeOver.RunAsync(seen, elsewhere, LoopDisk.Cancellation));
        Assert.Contains("its record changed since it was looked at", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_disk_that_is_not_blank_or_changed_since_the_look_or_is_in_use_is_not_touched()
    {
        using var disk = new LoopDisk(512, 12 * GiB);
        var setUp = new DiskSetUp(Disks.Policy, _ => { });
        var blank = await disk.LookAsync();
        var layout = MachineLayout.Plan([blank], new())[0].Layout;
        async Task Refused(string why, DiskVerdict seen)
        {
            var before = await LoopDisk.ShellAsync($"head -c 8M {disk.File} | sha256sum");
            var error = await Assert.ThrowsAsync<StorageException>(() => setUp.RunAsync(seen, layout, LoopDisk.Cancellation));
            Assert.Contains(why, error.Message, StringComparison.Ordinal);
            Assert.Equal(before, await LoopDisk.ShellAsync($"head -c 8M {disk.File} | sha256sum"));
        }
        using (BlockDevice.OpenForWriting(disk.Device)) await Refused("it is in use", blank);
        disk.Put(5 * MiB, "somebody's"u8);
        await Refused("it is not what it was: it holds data of no form that is known, at 5 MiB", blank);
        disk.Put(0, "XFSB"u8);
        await Refused("is not set up: XFS at 0 bytes", await disk.LookAsync());

        // Ours, and not what it was: somebody began to use a partition that was to be made.
        using var cut = new LoopDisk(512, 12 * GiB);
        await Assert.ThrowsAsync<PowerCut>(() => cut.SetUpAsync(new DiskSetUp(Disks.Policy, _ => { })
            { Between = step => { if (step == "partitioned") throw new PowerCut(step); } }));
        var claimed = await cut.LookAsync();
        cut.Put(2 * MiB, "somebody's"u8);
        var refused = await Assert.ThrowsAsync<StorageException>(() => setUp.RunAsync(claimed, layout, LoopDisk.Cancellation));
        Assert.Contains("besides its record it holds data, at 2 MiB", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_the_program_would_do_something_else_it_is_not_let()
    {
        using var disk = new LoopDisk(512, 12 * GiB);
        var other = disk.Script("systemd-repart \"$@\" | sed 's/\"offset\":1048576,/\"offset\":2097152,/'");
        var refused = await Assert.ThrowsAsync<StorageException>(() => disk.SetUpAsync(new DiskSetUp(Disks.Policy, _ => { })
            { RepartPath = other }));
        Assert.Contains("would do something else than was planned: operos-ephemeral at 2097152", refused.Message, StringComparison.Ordinal);
        var verdict = await disk.LookAsync();
        Assert.Empty(verdict.Evidence.Tables);
        Assert.Equal(DiskClass.UnfinishedOurs, verdict.Class);
        await disk.SetUpAsync(new DiskSetUp(Disks.Policy, _ => { }));

        var expected = Repart.Expected(new() { Partitions = [new(PartitionUse.Osd, 5 * GiB)] });
        Assert.Contains("not understood", Repart.Differs("no JSON", expected), StringComparison.Ordinal);
        Assert.Contains("not understood", Repart.Differs("[{}]", expected), StringComparison.Ordinal);
        Assert.Contains("not understood", Repart.Differs("{}", expected), StringComparison.Ordinal);
        Assert.Equal("0 partitions instead of 1", Repart.Differs("[]", expected));
    }

    private static long BlockDeviceBytes(string path)
    {
        using var device = BlockDevice.Open(path);
        return device.Bytes;
    }

    private static async Task<string> ContentOf(string partition)
    {
        var look = await DiskLook.TakeAsync(partition, new DiskFacts { Name = Path.GetFileName(partition), Path = partition,
            Transport = Transport.File }, LoopDisk.Cancellation);
        return look.Signatures[0].Name;
    }

    private sealed class PowerCut(string step) : Exception($"the power is gone after {step}");
}
