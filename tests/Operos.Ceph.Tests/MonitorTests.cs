using System.Diagnostics;
using System.Net;
using Operos.Ceph.Facts;
using Operos.Ceph.Monitors;
using Operos.Ceph.Pools;
using Operos.Controller.Tests;
using Operos.Lab;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Ceph.Tests;

/// <summary>A real monitor and manager, set up and kept as the controller does it.</summary>
public sealed class MonitorTests
{
    /// <summary>What is said while one, two, three hosts have OSDs.</summary>
    private static readonly string[][] TooFew =
    [
        ["all data has one copy, because one host alone has disks: a disk that dies takes data with it. "
            + "Add a second machine with disks: copies are made by themselves"],
        ["all data has two copies on two hosts: while one of them is down nothing is written or read. "
            + "Add a third machine with disks: a third copy is made by itself"],
        [],
    ];

    /// <summary>That a call may take, and a little for a busy host.</summary>
    private static readonly TimeSpan LongestQuestion = TimeSpan.FromSeconds(25);

    [Fact]
    public async Task A_store_is_made_once_and_what_a_cut_left_is_begun_anew()
    {
        await using var lab = CephLab.Create("setup");
        var paths = lab.Paths;
        // Cut in the middle of making it: an identity, a half store beside, keys, nothing in its place.
        var cut = CephIdentity.Make();
        cut.Write(paths.Identity);
        Directory.CreateDirectory(paths.Store(cut.Fsid) + ".new/store.db");
        var keys = Path.Combine(paths.Run, "initial.keyring");
        await File.WriteAllTextAsync(keys, "left");
        lab.Start();
        await lab.UntilAsync("the monitor answers", () => lab.Works("ceph-mon"));
        var identity = CephIdentity.Read(paths.Identity)!;
        var folder = paths.Store(identity.Fsid);
        Assert.NotEqual(cut.Fsid, identity.Fsid);
        Assert.NotNull(identity.StoreMade);
        Assert.Contains($"{identity.Fsid}", await lab.AskAsync("mon dump"), StringComparison.Ordinal);
        Assert.DoesNotContain("\"v1\"", await lab.AskAsync("mon dump"), StringComparison.Ordinal);
        Assert.Equal([folder], Directory.GetDirectories(paths.Stores));
        Assert.False(File.Exists(keys));
        await lab.StopAsync();

        // Cut after it came to its place, before that was written down: it is adopted. Its key is the identity's, whatever it kept.
        (identity with { StoreMade = null, Address = null }).Write(paths.Identity);
        await File.WriteAllTextAsync(Path.Combine(folder, "keyring"), "");
        lab.Start();
        await lab.UntilAsync("the monitor answers again", () => lab.Works("ceph-mon"));
        Assert.Equal(identity with { StoreMade = null }, CephIdentity.Read(paths.Identity)! with { StoreMade = null });
        await lab.StopAsync();

        var store = new MonitorStore(paths, TimeProvider.System);
        async Task RefusesAsync(string words, IPAddress? address = null)
        {
            var before = File.Exists(paths.Identity) ? await File.ReadAllTextAsync(paths.Identity) : null;
            var refused = await Assert.ThrowsAsync<IOException>(() => store.PrepareAsync(address ?? lab.Address, default));
            Assert.Contains(words, refused.Message, StringComparison.Ordinal);
            Assert.Equal(before, File.Exists(paths.Identity) ? await File.ReadAllTextAsync(paths.Identity) : null);
        }
        await RefusesAsync("it does not move with it", IPAddress.Loopback);
        // Beside a store none is made, whoever lost the identity; one that is gone is not made again, for it would know no OSD.
        var known = CephIdentity.Read(paths.Identity)!;
        File.Delete(paths.Identity);
        await RefusesAsync("is missing: none is made beside it");
        CephIdentity.Make().Write(paths.Identity);
        await RefusesAsync("is another cluster's: none is made beside it");
        known.Write(paths.Identity);
        Directory.Move(folder, paths.State + "-away");
        await RefusesAsync("is lost");
        Assert.Empty(Directory.GetDirectories(paths.Stores));
    }

    [Fact]
    public async Task A_machine_gets_the_key_of_its_own_disks_osd_and_of_no_other_and_status_says_that_the_monitor_is_down_at_once()
    {
        await using var lab = CephLab.Create("grants");
        var monitor = lab.Start();
        await using var controller = new TestController(ceph: monitor);
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1));
        var (otherId, other, _) = await controller.JoinAsync(TestController.Machine(2));
        await using var both = other;
        await using var first = connection;
        var (disk, foreign, partition) = ($"{Guid.NewGuid()}", $"{Guid.NewGuid()}", $"{Guid.NewGuid()}");
        await connection.CallAsync<Done>(new ReportDisks { Disks = [Disk("sda", disk)] }, default);
        await other.CallAsync<Done>(new ReportDisks { Disks = [Disk("sda", foreign)] }, default);
        var request = new OsdRequest { Disk = disk, Partition = partition, Bytes = 1 << 30, Rotational = false };
        await lab.UntilDaemonsWorkAsync();

        var grant = await connection.CallAsync<OsdGrant>(request, default);
        Assert.NotNull(CephKey.Parse(grant.Key));
        Assert.Equal(grant, await connection.CallAsync<OsdGrant>(request, default));
        Assert.Contains(grant.Key, await lab.AskAsync("auth ls"), StringComparison.Ordinal);
        var second = await connection.CallAsync<OsdGrant>(request with { Partition = $"{Guid.NewGuid()}" }, default);
        Assert.NotEqual((grant.Id, grant.Key), (second.Id, second.Key));

        // Neither by another's disk, nor by another's partition beside a disk of one's own.
        var refusal = await Assert.ThrowsAsync<ControlFaultException>(() => other.CallAsync<OsdGrant>(request, default));
        Assert.Equal(FaultCode.NotFound, refusal.Code);
        refusal = await Assert.ThrowsAsync<ControlFaultException>(() =>
            other.CallAsync<OsdGrant>(request with { Disk = foreign }, default));
        Assert.Contains($"is of the disk {disk}", refusal.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<OsdKeyException>(() => monitor.AddOsdAsync(Guid.Parse(partition), CephKey.Make(), default));
        var audit = await controller.OperateAsync<AuditList>(new ListAudit());
        Assert.Contains(audit.Records, entry => entry.Operation == "osd key" && entry.User == otherId);

        await lab.UntilAsync("the status has the OSDs", () => monitor.Facts?.Osds.Count == 2);
        var listed = Assert.Single((await controller.OperateAsync<OsdList>(new ListOsds())).Osds, osd => osd.Id == grant.Id);
        Assert.Equal((partition, id, "down"), (listed.Partition, listed.Machine, listed.State));
        var status = await controller.OperateAsync<StorageReply>(new ShowStorage());
        Assert.Equal("warning", status.State);
        Assert.Contains(status.Troubles, trouble => trouble.StartsWith("no OSD is up", StringComparison.Ordinal));
        var kept = Directory.GetFiles(lab.Paths.Kept!).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal);
        Assert.Equal(["crushmap", "monmap", "osdmap.json"], kept);

        // One that lives and says nothing: whoever asks waits for a bounded time, and who only looks not at all.
        lab.HoldMonitor(true);
        var clock = Stopwatch.StartNew();
        Assert.Equal(2, (await controller.OperateAsync<StorageReply>(new ShowStorage())).Osds);
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        var busy = await Assert.ThrowsAsync<ControlFaultException>(() => connection.CallAsync<OsdGrant>(request, default));
        Assert.Equal(FaultCode.Busy, busy.Code);
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, LongestQuestion);
        await lab.UntilAsync("its silence is noticed", () => !lab.Works("ceph-mon"));
        status = await controller.OperateAsync<StorageReply>(new ShowStorage());
        Assert.Equal((2, "unknown"), (status.Osds, status.State));
        lab.HoldMonitor(false);
        await lab.UntilAsync("it works again", () => lab.Works("ceph-mon"));
        Assert.Equal(grant, await connection.CallAsync<OsdGrant>(request, default));
    }

    [Fact]
    public async Task A_monitor_that_died_is_started_again_and_a_question_meanwhile_ends()
    {
        await using var lab = CephLab.Create("restart");
        var monitor = lab.Start();
        await lab.UntilAsync("the monitor answers", () => lab.Works("ceph-mon"));
        var since = monitor.Daemons[0].Status.Since;
        lab.KillMonitor();
        // It may be answered by the next one, or not; it ends.
        await lab.AskAsync("mon dump").WaitAsync(LongestQuestion).ContinueWith(asked =>
            Assert.True(asked.IsCompletedSuccessfully || asked.Exception?.InnerException is IOException, $"{asked.Exception}"));
        await lab.UntilAsync("its end is noticed", () => monitor.Daemons[0].Status.Since != since);
        await lab.UntilAsync("it works again", () => lab.Works("ceph-mon"));
        Assert.Contains("fsid", await lab.AskAsync("mon dump"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_pool_grows_with_the_hosts()
    {
        await using var lab = CephLab.Create("pool");
        var monitor = lab.Start();
        await lab.UntilDaemonsWorkAsync();
        for (var hosts = 1; hosts <= 3; hosts++)
        {
            await lab.StartOsdAsync(Guid.NewGuid(), Guid.NewGuid());
            await lab.UntilAsync($"the pool has {hosts} copies", () => monitor.Facts is { } facts && facts.HostsUp.Count == hosts
                && facts.Pools is [{ Name: PoolPlan.Name, IsForRbd: true } pool] && pool.Size == hosts
                && pool.MinSize == Math.Min(hosts, PoolPlan.UsualMinSize) && PoolPlan.Next(facts) is null
                && facts.AllPlacementGroups > 0 && facts.CleanPlacementGroups == facts.AllPlacementGroups);
            Assert.Equal(TooFew[hosts - 1], monitor.PoolWarnings);
        }
        // One of three hosts alone does not tell of the others that they are down.
        Assert.Contains("\"mon_osd_min_down_reporters\",\"value\":\"2\"", await lab.AskAsync("config dump"), StringComparison.Ordinal);
        Assert.Equal(32, Assert.Single(monitor.Facts!.Pools).PlacementGroups);
        Assert.All(monitor.Facts.Osds, osd => Assert.True(osd.Bytes > 0, $"{osd}"));

        // An empty one uses more than a thousandth of its room.
        Assert.DoesNotContain(monitor.Facts.Complaints, complaint => complaint.Code == "OSD_NEARFULL");
        lab.SetNearlyFull(0.001);
        const string words = "3 nearfull osd(s) (OSD_NEARFULL): "
            + "add disks or delete data soon: when an OSD is full, everything that writes stops";
        await lab.UntilAsync("it is told", () => monitor.Facts.Complaints.Select(HealthWords.Say).Contains(words));
    }

    private static DiskState Disk(string name, string record) => new()
    {
        Name = name, Identity = $"disk:{record}", Class = "ours", RecordDisk = record, Bytes = 1L << 31, LogicalSector = 512,
        Evidence = new string('a', 64),
    };
}
