using System.Security.Cryptography;
using Operos.Ceph.Monitors;
using Operos.Ceph.Pools;
using Operos.Controller.Tests;
using Operos.Linux.Ceph;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Ceph.Tests;

/// <summary>Which machine may map a volume: a real controller, with a real monitor, manager and OSD.</summary>
public sealed class StagedVolumeTests
{
    private const string Name = "pvc-0d2a9c0e-1111-4222-8333-444455556666", Other = "pvc-0d2a9c0e-1111-4222-8333-444455556667";

    private static readonly StageVolume Stage = new() { Volume = Name, Image = Name };

    [Fact]
    public async Task A_volume_is_on_one_machine_until_that_gives_it_back_or_boots_anew_whatever_becomes_of_the_controller()
    {
        await using var lab = CephLab.Create("staged");
        var monitor = lab.Start();
        await lab.UntilDaemonsWorkAsync();
        await lab.StartOsdAsync(Guid.NewGuid(), Guid.NewGuid());
        await lab.UntilThereIsAPoolAsync();
        using var images = monitor.OpenImages();
        await images.MakeAsync(Name, 8 << 20, "default/data", default);
        var folder = lab.Folder["controller"];
        Directory.CreateDirectory(folder);
        // A machine's key is its own as long as its boot lasts, whatever becomes of the controller.
        using var keyOfFirst = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var keyOfSecond = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string first;
        VolumeGrant grant;
        await using (var controller = new TestController(folder: folder, ceph: monitor))
        {
            (first, var one, _) = await controller.JoinAsync(TestController.Machine(1), key: keyOfFirst);
            var (second, two, _) = await controller.JoinAsync(TestController.Machine(2), key: keyOfSecond);
            await using var both = one;
            await using var connections = two;
            var missing = await RefusedAsync(one, Stage with { Volume = Other, Image = Other });
            Assert.Equal((FaultCode.NotFound, $"there is no image {Other}"), (missing.Code, missing.Message));
            foreach (var name in (string[])["", "data", "pvc-../x", Name.ToUpperInvariant(), Name + "\n"])
                foreach (var request in (Message[])[Stage with { Volume = name }, Stage with { Image = name },
                    new ReleaseVolume { Volume = name }, new TellVolume { Volume = name, Addresses = [] }])
                    Assert.Equal(FaultCode.BadRequest, (await RefusedAsync(one, request)).Code);

            // As often as it asks; its key opens the pool, and is its own.
            grant = await one.CallAsync<VolumeGrant>(Stage, default);
            Assert.Equal((monitor.Map!.Fsid.ToString(), "kube", Name, $"operos-{first}", 8L << 20),
                (grant.Fsid, grant.Pool, grant.Image, grant.User, grant.Bytes));
            Assert.Equal(monitor.Map.Monitors, grant.Monitors);
            Assert.Equal(grant.Key, (await one.CallAsync<VolumeGrant>(Stage, default)).Key);
            await File.WriteAllBytesAsync(lab.Folder["machine.keyring"], Keyring.Of($"client.{grant.User}", grant.Key));
            await File.WriteAllTextAsync(lab.Folder["machine.conf"],
                CephConfiguration.Client(monitor.Map, lab.Folder["machine.keyring"]));
            using var connection = RadosConnection.Open($"client.{grant.User}", lab.Folder["machine.conf"], CephLab.Patience);
            using var pool = connection.OpenPool(grant.Pool);
            using var mapped = pool.Open(Name, writable: true);
            var address = Assert.Single((await images.FindAsync(Name, default))!.Watchers);
            await one.CallAsync<Done>(new TellVolume { Volume = Name, Addresses = [address] }, default);
            foreach (var addresses in (string[][])[["a b"], [""], [new string('1', 65)], [.. Enumerable.Repeat("1", 9)]])
                Assert.Equal(FaultCode.BadRequest,
                    (await RefusedAsync(one, new TellVolume { Volume = Name, Addresses = addresses })).Code);
            Assert.Equal(FaultCode.Conflict, (await RefusedAsync(two, new TellVolume { Volume = Name, Addresses = [] })).Code);

            // Neither by its own name, nor as another volume with the same image.
            foreach (var request in (StageVolume[])[Stage, Stage with { Volume = Other }])
            {
                var refusal = await RefusedAsync(two, request);
                Assert.Equal(FaultCode.Conflict, refusal.Code);
                Assert.Contains($"{first} has {Name} since ", refusal.Message, StringComparison.Ordinal);
            }
            // What another gives back is not its own.
            await two.CallAsync<Done>(new ReleaseVolume { Volume = Name }, default);
            Assert.Equal(FaultCode.Conflict, (await RefusedAsync(two, Stage)).Code);

            var listed = Assert.Single((await controller.OperateAsync<VolumeList>(new ListVolumes())).Volumes);
            Assert.Equal((Name, first, "unknown"), (listed.Volume, listed.Machine, listed.Phase));
            Assert.Equal([address], listed.Addresses);
            var shown = await controller.OperateAsync<VolumeDetail>(new ShowVolume { Volume = Name });
            Assert.Equal([address], shown.Watchers);
            var audit = await controller.OperateAsync<AuditList>(new ListAudit());
            Assert.Contains(audit.Records, entry => entry is { Operation: "volume key" } && entry.User == first);
        }

        await using (var controller = new TestController(folder: folder, ceph: monitor))
        {
            var (second, two, _) = await controller.JoinAsync(TestController.Machine(2), key: keyOfSecond);
            await using var connection = two;
            // The same boot still has it; the next one has not. While who had it has it open, nobody gets it.
            Assert.Contains($"{first} has {Name}", (await RefusedAsync(two, Stage)).Message, StringComparison.Ordinal);
            controller.Clock.Ahead = TimeSpan.FromMinutes(5);
            var (again, one, _) = await controller.JoinAsync(TestController.Machine(1), "boot-2");
            await using var rebooted = one;
            Assert.Equal(first, again);
            using (var held = Open(lab, grant))
            using (var pool = held.OpenPool(grant.Pool))
            using (pool.Open(Name, writable: true))
            {
                // All are on loopback here; what is open at a machine's own address keeps it from nothing.
                controller.Registry.Note(second, record => record with { Address = "192.0.2.2" });
                var busy = await RefusedAsync(two, Stage);
                Assert.Equal(FaultCode.Busy, busy.Code);
                Assert.Contains("is still open at", busy.Message, StringComparison.Ordinal);
            }
            var next = await two.CallAsync<VolumeGrant>(Stage, default);
            Assert.NotEqual((grant.User, grant.Key), (next.User, next.Key));
            Assert.Equal(FaultCode.Conflict, (await RefusedAsync(one, Stage)).Code);
            await two.CallAsync<Done>(new ReleaseVolume { Volume = Name }, default);
            Assert.Equal(grant.Key, (await one.CallAsync<VolumeGrant>(Stage, default)).Key);
        }

        // A file that cannot be read gives nothing out, and is told; one that was being written when the power went counts for nothing.
        var book = Path.Combine(folder, "volumes.json");
        var whole = await File.ReadAllBytesAsync(book);
        await File.WriteAllBytesAsync(book, whole[..^20]);
        await using (var controller = new TestController(folder: folder, ceph: monitor))
        {
            var (_, two, _) = await controller.JoinAsync(TestController.Machine(2), key: keyOfSecond);
            await using var connection = two;
            Assert.Contains($"{book} cannot be read", (await RefusedAsync(two, Stage)).Message, StringComparison.Ordinal);
            Assert.Equal(whole[..^20], await File.ReadAllBytesAsync(book));
        }
    }

    private static RadosConnection Open(CephLab lab, VolumeGrant grant) =>
        RadosConnection.Open($"client.{grant.User}", lab.Folder["machine.conf"], CephLab.Patience);

    private static Task<ControlFaultException> RefusedAsync(ControlConnection connection, Message request) =>
        Assert.ThrowsAsync<ControlFaultException>(() => connection.CallAsync<Done>(request, default));
}
