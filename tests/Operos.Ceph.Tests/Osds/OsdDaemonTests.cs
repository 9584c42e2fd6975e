using Operos.Ceph.Osds;
using Operos.Linux;
using Operos.Worker.Disks;
using Operos.Worker.Osds;

namespace Operos.Ceph.Tests.Osds;

/// <summary>What becomes of partitions for OSDs, with real programs and a real monitor. They need root, for loop devices.</summary>
public sealed class OsdDaemonTests
{
    /// <summary>EBUSY (errno(3)).</summary>
    private const int Busy = 16;

    [Fact]
    public async Task A_blank_partition_becomes_an_OSD_that_is_the_same_after_a_stop_and_on_another_machine()
    {
        await using var rack = await OsdRack.CreateAsync("osd");
        var target = await rack.AddDiskAsync("disk");
        Assert.Null((await OsdRack.LookAsync(target)).Contents);
        var first = rack.Start(target);
        await rack.UntilUpAsync(first);
        var made = (await OsdRack.LookAsync(target)).Label!;
        Assert.Equal((target.Id, $"{rack.Lab.Monitor.Map!.Fsid}", $"{first.State.Id}", true), (made.Osd, made.Fsid, made.Id, made.IsReady));
        Assert.Equal($"{OsdRack.One}", await rack.HostAsync(first.State.Id));
        await rack.StopAsync(first);

        var moved = rack.Start(target, rack.Tools(OsdRack.Other));
        await rack.UntilUpAsync(moved);
        await rack.UntilAsync("it is the other machine's", async () => await rack.HostAsync(moved.State.Id) == $"{OsdRack.Other}");
        Assert.Equal(first.State.Id, moved.State.Id);
        Assert.Equal(made.Values["created_at"], (await OsdRack.LookAsync(target)).Label!.Values["created_at"]);
    }

    [Fact]
    public async Task A_making_that_was_cut_is_begun_anew()
    {
        await using var rack = await OsdRack.CreateAsync("osd-cut");
        var target = await rack.AddDiskAsync("disk");
        // As a power cut: the program is killed as soon as the first of it stands on the disk.
        rack.Before = $$"""
            case "$*" in *--mkfs*)
                (until head -c 22 {{target.Partition.Path}} | grep -q bluestore; do :; done; kill -KILL $$) & ;;
            esac
            """;
        var cut = rack.Start(target);
        await rack.UntilAsync("it says that it could not be made", cut,
            state => state.Text.StartsWith("it could not be made: ended with code 137", StringComparison.Ordinal));
        await rack.StopAsync(cut);
        var found = await OsdRack.LookAsync(target);
        Assert.Equal((target.Id, false), (found.Label!.Osd, found.Label.IsReady));

        rack.Before = "";
        var daemon = rack.Start(target);
        await rack.UntilUpAsync(daemon);
        Assert.True((await OsdRack.LookAsync(target)).Label!.IsReady);
    }

    [Fact]
    public async Task A_strange_OSD_is_never_started_nor_touched_and_keeps_no_other_from_its_work()
    {
        await using var rack = await OsdRack.CreateAsync("osd-strange");
        var (good, copy, other, data) = (await rack.AddDiskAsync("good"), await rack.AddDiskAsync("copy"), await rack.AddDiskAsync("other"),
            await rack.AddDiskAsync("data"));
        var daemon = rack.Start(good);
        await rack.UntilUpAsync(daemon);
        // The good one's label elsewhere; one of another cluster, with this partition's UUID and the good one's number; a file system.
        byte[] label;
        using (var device = BlockDevice.Open(good.Partition.Path)) label = device.Read(0, OsdLabel.Length).ToArray();
        OsdRack.Put(copy, label);
        var strange = OsdLabels.Of(other.Id, other.Partition.Bytes, ("ceph_fsid", $"{OsdRack.Other}"), ("mkfs_done", "yes"),
            ("ready", "ready"), ("whoami", $"{daemon.State.Id}"));
        OsdRack.Put(other, strange);
        OsdRack.Put(data, [.. "XFSB"u8, .. new byte[OsdLabel.Length - 4]]);
        foreach (var (target, why) in ((OsdTarget, string)[])[(copy, $"an OSD with another UUID, {good.Id}, stands there"),
            (other, $"the OSD on it is another cluster's, {OsdRack.Other}"), (data, "it is not blank, and no OSD: XFS at ")])
        {
            var bad = rack.Start(target);
            var told = $"it is left alone: {why}";
            await rack.UntilAsync($"is told: {told}", bad, state => state.Text.StartsWith(told, StringComparison.Ordinal));
            Assert.Equal((false, -1), (bad.State.IsRunning, bad.State.Id));
        }
        using (var device = BlockDevice.Open(other.Partition.Path)) Assert.Equal(strange, device.Read(0, OsdLabel.Length).ToArray());
        Assert.True(daemon.State.IsRunning);
        Assert.Equal(1, (await rack.OsdAsync(daemon.State.Id)).GetProperty("up").GetInt32());
    }

    [Fact]
    public async Task One_that_the_cluster_gave_another_number_is_not_started_and_one_that_ends_at_once_rests_and_says_so()
    {
        await using var rack = await OsdRack.CreateAsync("osd-loop");
        var target = await rack.AddDiskAsync("disk");
        var daemon = rack.Start(target);
        await rack.UntilUpAsync(daemon);
        await rack.StopAsync(daemon);

        var stale = rack.Start(target, rack.Tools(number: _ => 7));
        await rack.UntilAsync("it is stale", stale, state => state.Text.StartsWith(
            $"it is left alone: the OSD on it has the number {daemon.State.Id}, and the cluster gave 7", StringComparison.Ordinal));
        await rack.StopAsync(stale);

        rack.Before = "echo 'error: it is broken' >&2; exit 3";
        var broken = rack.Start(target);
        await rack.UntilAsync("the third end is told", broken, state => state.Text.Contains("(3 times, and never lived for long)",
            StringComparison.Ordinal));
        Assert.Matches("^ended with code 3: error: it is broken .*tried again after 4 s$", broken.State.Text);
        // One that cannot even be made rests no less.
        var unmade = rack.Start(await rack.AddDiskAsync("unmade"));
        await rack.UntilAsync("the third try is told", unmade, state => state.Text.Contains("(3 times, and never lived for long)",
            StringComparison.Ordinal));
        Assert.Matches("^it could not be made: ended with code 3: error: it is broken .*tried again after 4 s$", unmade.State.Text);
    }

    [Fact]
    public async Task Disks_on_which_the_making_hangs_keep_no_other_from_its_own()
    {
        await using var rack = await OsdRack.CreateAsync("osd-hang");
        OsdTarget[] targets = [await rack.AddDiskAsync("one"), await rack.AddDiskAsync("two"), await rack.AddDiskAsync("three")];
        rack.Before = "case \"$*\" in *osd-[01].conf*--mkfs*) exec sleep 600 ;; esac";
        var tools = rack.Tools() with { LongestMaking = TimeSpan.FromSeconds(8) };
        // As many as are made at once.
        OsdDaemon[] bad = [rack.Start(targets[0], tools), rack.Start(targets[1], tools)];
        foreach (var daemon in bad)
            await rack.UntilAsync("it is made", daemon, state => state.Text.StartsWith("is made", StringComparison.Ordinal));
        var good = rack.Start(targets[2], tools);
        await rack.UntilUpAsync(good);
        foreach (var daemon in bad)
            await rack.UntilAsync("it is ended", daemon, state => state.Text.Contains("it was not done after 8 s, and was ended",
                StringComparison.Ordinal));
        Assert.True(good.State.IsRunning);
    }

    [Fact]
    public async Task What_an_agent_before_this_one_began_on_a_disk_ends_with_it_though_nobody_told_of_disks_or_Ceph_yet()
    {
        await using var rack = await OsdRack.CreateAsync("osd-left");
        var (one, two) = (await rack.AddDiskAsync("one"), await rack.AddDiskAsync("two"));
        OsdDaemon[] before = [rack.Start(one), rack.Start(two)];
        foreach (var daemon in before) await rack.UntilUpAsync(daemon);
        var board = new DiskBoard();
        using var keeper = rack.Keep(board);
        await board.EndUseAsync!(Path.GetFileName(one.Disk.Path), default);
        Assert.Equal([false, true], before.Select(daemon => File.Exists(rack.FileOf(daemon.State.Id))));
    }

    [Fact]
    public async Task OSDs_end_with_their_disk_alone_and_begin_again_after_the_next_look()
    {
        await using var rack = await OsdRack.CreateAsync("osd-keeper");
        var (one, two) = (await rack.AddDiskAsync("one"), await rack.AddDiskAsync("two"));
        var board = new DiskBoard();
        using var keeper = rack.Keep(board);
        await keeper.StartAsync(default);
        try
        {
            board.TellOsds([one, two], 0);
            await Task.Delay(TimeSpan.FromSeconds(1));
            // Nobody said yet that there is Ceph.
            Assert.Empty(keeper.States);
            Assert.Equal(0, board.OsdMemory);
            keeper.Follow(rack.Configuration(hasCeph: true));
            await rack.UntilAsync("both run", () => Task.FromResult(keeper.States.Count(state => state.IsRunning) == 2));
            Assert.True(board.OsdMemory > 0);
            var ids = keeper.States.ToDictionary(state => state.Partition, state => state.Id);
            await rack.UntilAsync("both are up", async () => await rack.IsUpAsync(0) && await rack.IsUpAsync(1));

            keeper.Follow(rack.Configuration(hasCeph: false));
            board.TellOsds([one, two], 0);
            await Task.Delay(TimeSpan.FromSeconds(2));
            Assert.All(ids.Values, id => Assert.True(rack.Runs(id)));
            keeper.Follow(rack.Configuration(hasCeph: true));

            // It has its partition for itself: nobody can claim the disk for a wipe before it ended.
            foreach (var path in (string[])[one.Partition.Path, one.Disk.Path])
                Assert.Equal(Busy, Assert.Throws<LinuxException>(() => BlockDevice.OpenForWriting(path)).Errno);
            // As before a wipe: the one is over when it returns, and stays so.
            await board.EndUseAsync!(Path.GetFileName(one.Disk.Path), default);
            BlockDevice.OpenForWriting(one.Disk.Path).Dispose();
            Assert.Equal((false, true), (rack.Runs(ids[$"{one.Id}"]), rack.Runs(ids[$"{two.Id}"])));
            keeper.Follow(rack.Configuration(hasCeph: true));
            await Task.Delay(TimeSpan.FromSeconds(2));
            Assert.Equal($"{two.Id}", Assert.Single(keeper.States).Partition);
            board.TellOsds([one, two], 0);
            await rack.UntilAsync("it runs again", () => Task.FromResult(keeper.States.Count(state => state.IsRunning) == 2));
            Assert.Equal(ids, keeper.States.ToDictionary(state => state.Partition, state => state.Id));

            // One of the disks is kept out, or gone.
            board.TellOsds([two], 0);
            await rack.UntilAsync("it ends", () => Task.FromResult(!rack.Runs(ids[$"{one.Id}"])));
            Assert.True(rack.Runs(ids[$"{two.Id}"]));
        }
        finally { await keeper.StopAsync(default); }
    }
}
