using Operos.Controller.Tests;
using Operos.Lab;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Ceph.Tests.Osds;

/// <summary>What operators decide of OSDs: a real controller, monitor and manager, and an OSD on each of three machines.</summary>
public sealed class OsdOrderTests
{
    private const string Volume = "pvc-0d2a9c0e-1111-4222-8333-4444555566ad";

    [Fact]
    public async Task OSDs_are_marked_out_and_in_replaced_by_another_disk_and_removed_and_data_is_lost_only_where_that_was_said()
    {
        await using var lab = CephLab.Create("orders");
        var monitor = lab.Start();
        await using var controller = new TestController(ceph: monitor);
        await lab.UntilDaemonsWorkAsync();
        await using var one = await Machine.JoinAsync(lab, controller, 1);
        await using var two = await Machine.JoinAsync(lab, controller, 2);
        await using var three = await Machine.JoinAsync(lab, controller, 3);
        foreach (var machine in (Machine[])[one, two, three]) await machine.AddOsdAsync();
        bool IsWhole(int osds) => monitor.Facts is { AllPlacementGroups: > 0 } facts && facts.Osds.Count(osd => osd.IsUp) == osds
            && facts.CleanPlacementGroups == facts.AllPlacementGroups && facts.Pools is [{ Size: 3, MinSize: 2 }];
        await lab.UntilAsync("there are three copies", () => IsWhole(3));

        // What may go: one of three, but not two of them together.
        // The manager counts groups a moment later than the monitor does.
        await lab.UntilAsync("one may go", () => controller.OperateAsync<PullAnswer>(new AskPull { What = three.Id }).GetAwaiter()
            .GetResult().Safe);
        foreach (var what in (string[])[three.Id, $"{three.Id}/sda", three.Disk])
        {
            var safe = await controller.OperateAsync<PullAnswer>(new AskPull { What = what });
            Assert.True(safe.Safe, string.Join("; ", safe.Reasons));
            Assert.Equal([2], safe.Osds);
        }
        foreach (var machine in (Machine[])[two, three])
            await controller.OperateAsync<Done>(new LabelMachine { Machine = machine.Id, Remove = [],
                Set = new Dictionary<string, string> { ["rack"] = "r1" } });
        var rack = await controller.OperateAsync<PullAnswer>(new AskPull { What = "r1" });
        Assert.Equal((false, "1,2"), (rack.Safe, string.Join(',', rack.Osds)));
        Assert.Matches(@"^(\d+) of \1 placement groups of pool kube would have fewer than 2 copies: what is in them is neither read nor "
            + "written meanwhile$", Assert.Single(rack.Reasons));

        // The pool, by order: with one copy alone, which is what a rack may want that has two machines left.
        Assert.Equal("pool kube: written and read with one copy alone while the others are away. operosctl storage status says how it "
            + "stands", await DoAsync(new SetPool { MinSize = 1 }));
        await lab.UntilAsync("it works with one", () => monitor.Facts!.Pools is [{ Size: 3, MinSize: 1 }]);
        await lab.UntilAsync("two may go", () => controller.OperateAsync<PullAnswer>(new AskPull { What = "r1" }).GetAwaiter()
            .GetResult().Safe);
        await DoAsync(new SetPool { Copies = 2 });
        await lab.UntilAsync("it has two copies", () => monitor.Facts!.Pools is [{ Size: 2, MinSize: 1 }]);
        await DoAsync(new SetPool { Copies = 3, MinSize = 2 });
        await lab.UntilAsync("there are three copies again", () => IsWhole(3));
        Assert.Equal(FaultCode.BadRequest, (await RefusedAsync(new SetPool { Copies = 1 })).Code);

        // Ceph answers whether it is safe to destroy those that have everything, and does so with success.
        var loss = await monitor.Osds.WeighAsync([0, 1, 2], default);
        Assert.True(loss.IsCertain);
        Assert.Equal(Assert.Single(loss.Pools).All, loss.Pools[0].Lost);
        Assert.True((await monitor.Osds.WeighAsync([2], default)).IsNone);

        // Marked out and in.
        Assert.Equal((FaultCode.NotFound, "no OSD 7"), await RefusedAsync(new TakeOsdOut { Osd = 7 }));
        Assert.Equal("OSD 2 is in already", await DoAsync(new PutOsdIn { Osd = 2 }));
        Assert.Equal("OSD 2 is out: its copies have no other place, as 2 machines with OSDs are left for 3 copies: there is one copy less "
            + "of what is on it until another machine has an OSD", await DoAsync(new TakeOsdOut { Osd = 2 }));
        Assert.Equal("OSD 2 is out already", await DoAsync(new TakeOsdOut { Osd = 2 }));
        await lab.UntilAsync("it is out", () => monitor.Facts!.Osds.Single(osd => osd.Id == 2) is { IsIn: false, IsUp: true });
        Assert.Equal((FaultCode.Conflict, "without OSD 1 1 machine with OSDs would be left, and pool kube is read and written with copies "
            + "on 2 at least: it would stand still"), await RefusedAsync(new TakeOsdOut { Osd = 1 }));
        Assert.StartsWith("OSD 2 is in: about ", await DoAsync(new PutOsdIn { Osd = 2 }), StringComparison.Ordinal);
        await lab.UntilAsync("all copies are there", () => IsWhole(3) && monitor.Facts!.Osds.All(osd => osd.IsIn));

        // Replaced: the number and the place are the next disk's, and the old one's never again.
        Assert.Equal((FaultCode.Conflict, "OSD 2 is up: what runs is not removed"), await RefusedAsync(new RemoveOsd { Osd = 2 }));
        Assert.Equal(FaultCode.Conflict, (await RefusedAsync(new ReplaceOsd { Osd = 2, LoseData = true })).Code);
        var key = three.Grant.Key;
        await lab.EndOsdAsync(2);
        await UntilDoneAsync("it is replaced", new ReplaceOsd { Osd = 2 });
        Assert.StartsWith("OSD 2 waits for another disk", await DoAsync(new ReplaceOsd { Osd = 2 }), StringComparison.Ordinal);
        Assert.DoesNotContain(key, await lab.AskAsync("auth ls"), StringComparison.Ordinal);
        await lab.UntilAsync("it is told", () => monitor.Facts!.Osds.Any(osd => osd is { Id: 2, IsDestroyed: true }));
        var listed = Assert.Single((await controller.OperateAsync<OsdList>(new ListOsds())).Osds, osd => osd.Id == 2);
        Assert.Equal(("destroyed", three.Id, "the next blank disk of its machine takes its place"),
            (listed.State, listed.Machine, listed.Text));
        Assert.Contains("it is not started again", (await three.RefusedAsync()).Message, StringComparison.Ordinal);
        // Another machine's disk is not put into this one's place.
        Assert.Equal(3, await two.AskAsync());
        Assert.Equal("OSD 3 is removed: it is not started again, should its disk come back", await DoAsync(new RemoveOsd { Osd = 3 }));
        await two.BackAsync();
        await three.AddOsdAsync();
        Assert.Equal(2, three.Grant.Id);
        await lab.UntilAsync("the copies are there again", () => IsWhole(3) && monitor.Facts!.Osds.All(osd => osd.IsIn));
        Assert.Equal(three.Id, monitor.Facts!.Osds.Single(osd => osd.Id == 2).Host);

        // Removed, where others have all that was on it, though no other has the room for another copy.
        await lab.EndOsdAsync(2);
        await UntilDoneAsync("it is removed", new RemoveOsd { Osd = 2 });
        Assert.Equal("OSD 2 was removed already", await DoAsync(new RemoveOsd { Osd = 2 }));
        Assert.DoesNotContain(three.Grant.Key, await lab.AskAsync("auth ls"), StringComparison.Ordinal);
        Assert.Contains("it is not started again", (await three.RefusedAsync()).Message, StringComparison.Ordinal);

        // The last copies of all.
        using (var images = monitor.OpenImages())
            await new Wait("an image is made", CephLab.Patience) { Logs = [lab.Log] }.UntilAsync(async () =>
            {
                try { await images.MakeAsync(Volume, 8 << 20, "default/data", default); }
                // What the dead one answered for waits until its lease has ended: 16 s.
                catch (IOException) { return false; }
                return true;
            });
        await two.Connection.CallAsync<VolumeGrant>(new StageVolume { Volume = Volume, Image = Volume }, default);
        await lab.UntilAsync("copies of it are missing", () => monitor.Facts!.Degraded > 0);
        var used = await controller.OperateAsync<PullAnswer>(new AskPull { What = two.Id });
        Assert.Contains($"{two.Id} has 1 volume of the pool in use ({Volume}), which stand still until they begin elsewhere: operosctl "
            + $"machines drain {two.Id}", used.Reasons);
        Assert.NotEmpty(used.Wait);
        await lab.UntilAsync("two are known", () => monitor.Facts!.Osds.Count == 2);
        await lab.EndOsdAsync(1, cleanly: true);
        await UntilDoneAsync("one of two is removed", new RemoveOsd { Osd = 1 });
        var last = await controller.OperateAsync<PullAnswer>(new AskPull { What = one.Id });
        Assert.Matches(@"^(\d+) of \1 placement groups of pool kube have no other copy, with .* of data$", last.Reasons[0]);
        await lab.EndOsdAsync(0, cleanly: true);
        await lab.UntilAsync("the last is down", () => monitor.Facts!.Osds is [{ Id: 0, IsUp: false }]);
        var (code, refusal) = await RefusedAsync(new RemoveOsd { Osd = 0 });
        Assert.Equal(FaultCode.Conflict, code);
        Assert.Matches($@"^OSD 0 is needed: (\d+) of \1 placement groups of pool kube have no other copy, with .* of data: "
            + $@"they may have parts of any of 1 volumes \({Volume}\)$", refusal);
        Assert.StartsWith("OSD 0 is removed: it is not started again, should its disk come back; given up: ",
            await DoAsync(new RemoveOsd { Osd = 0, LoseData = true }), StringComparison.Ordinal);
        var audit = (await controller.OperateAsync<AuditList>(new ListAudit())).Records;
        Assert.Contains(audit, entry => entry is { Operation: "storage osd remove", User: "admin" });

        async Task<string> DoAsync(Message order) => (await controller.OperateAsync<Done>(order)).Text;

        async Task<(string Code, string Text)> RefusedAsync(Message order)
        {
            var refusal = await Assert.ThrowsAsync<ControlFaultException>(() => controller.OperateAsync<Done>(order));
            return (refusal.Code, refusal.Message);
        }

        // The others agree among themselves on what they have first, and the manager hears of it.
        Task UntilDoneAsync(string what, Message order) => new Wait(what, CephLab.Patience) { Logs = [lab.Log] }.UntilAsync(async () =>
        {
            try { await DoAsync(order); }
            catch (ControlFaultException e) when (e.Code == FaultCode.Conflict) { return false; }
            return true;
        });
    }

    /// <summary>A machine with one disk at a time, whose OSD is a real one on a file.</summary>
    private sealed class Machine(CephLab lab, string id, ControlConnection connection) : IAsyncDisposable
    {
        private OsdRequest request = Request();
        private OsdRequest? before;

        public string Id => id;

        /// <summary>What identifies the disk that is in it.</summary>
        public string Disk => $"disk:{request.Disk}";

        public ControlConnection Connection => connection;

        public OsdGrant Grant { get; private set; } = null!;

        public static async Task<Machine> JoinAsync(CephLab lab, TestController controller, int number)
        {
            var (id, connection, _) = await controller.JoinAsync(TestController.Machine(number));
            return new Machine(lab, id, connection);
        }

        /// <summary>A blank disk, which becomes an OSD.</summary>
        public async Task AddOsdAsync()
        {
            await AskAsync();
            await lab.StartOsdAsync(Grant.Id, Grant.Key, Guid.Parse(request.Partition), Guid.Parse(id));
        }

        /// <summary>A blank disk.</summary>
        /// <returns>The number that it gets.</returns>
        public async Task<int> AskAsync()
        {
            (before, request) = (request, Request());
            await connection.CallAsync<Done>(new ReportDisks { Disks = [new DiskState { Name = "sda", Identity = $"disk:{request.Disk}",
                Class = "ours", RecordDisk = request.Disk, Bytes = 1L << 31, LogicalSector = 512, Evidence = new string('a', 64) }] },
                default);
            await new Wait("it gets its number", CephLab.Patience) { Logs = [lab.Log] }.UntilAsync(async () =>
            {
                try { Grant = await connection.CallAsync<OsdGrant>(request, default); }
                catch (ControlFaultException e) when (e.Code == FaultCode.Busy) { return false; }
                return true;
            });
            return Grant.Id;
        }

        /// <summary>The disk before this one is in it again.</summary>
        public Task BackAsync()
        {
            request = before!;
            return connection.CallAsync<Done>(new ReportDisks { Disks = [new DiskState { Name = "sda", Identity = $"disk:{request.Disk}",
                Class = "ours", RecordDisk = request.Disk, Bytes = 1L << 31, LogicalSector = 512, Evidence = new string('a', 64) }] },
                default);
        }

        /// <summary>It asks for its OSD once more, as it does after each boot.</summary>
        public Task<ControlFaultException> RefusedAsync() =>
            Assert.ThrowsAsync<ControlFaultException>(() => connection.CallAsync<OsdGrant>(request, default));

        public ValueTask DisposeAsync() => connection.DisposeAsync();

        private static OsdRequest Request() =>
            new() { Disk = $"{Guid.NewGuid()}", Partition = $"{Guid.NewGuid()}", Bytes = 1 << 30, Rotational = false };
    }
}
