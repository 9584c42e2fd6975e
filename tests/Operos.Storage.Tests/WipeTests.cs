using System.Security.Cryptography;
using Operos.Linux;
using Operos.Storage.Classes;
using Operos.Storage.Layouts;
using Operos.Storage.Records;
using Operos.Storage.Wipes;
using Operos.Storage.Work;

namespace Operos.Storage.Tests;

/// <summary>Orders to wipe a disk, and real disks that are wiped by them.</summary>
public sealed class WipeTests(ITestOutputHelper output) : IDisposable
{
    private const long GiB = 1L << 30, MiB = 1L << 20;
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_795_000_000);

    private readonly string used = Directory.CreateTempSubdirectory("operos-orders-").FullName;

    public void Dispose() => Directory.Delete(used, recursive: true);

    private static WipeOrder Order(DiskVerdict disk) => new()
    {
        Id = Guid.NewGuid(), Machine = Disks.Machine, Disk = DiskIdentity.Of(disk.Evidence.Facts, disk.Record),
        Evidence = SeenEvidence.Of(disk), Issued = DateTimeOffset.UtcNow, Expires = DateTimeOffset.UtcNow.AddMinutes(10),
    };

    private DiskWiper Wiper => new(Disks.Policy, used, TimeProvider.System);

    [Fact]
    public void An_order_is_read_as_it_was_signed_and_no_other_bytes_are_one()
    {
        using var authority = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var order = new WipeOrder
        {
            Id = Guid.NewGuid(), Machine = Guid.NewGuid(), Disk = "serial:QEMU_HARDDISK/ä-1", Evidence = new string('a', 64), Issued = Now,
            Expires = Now.AddMinutes(5),
        };
        var (bytes, signature) = (order.ToBytes(), order.Sign(authority));
        Assert.Equal(order, WipeOrder.Verified(bytes, signature, authority));
        void Refused(byte[] bytes, byte[] signature, ECDsa key) =>
            Assert.Throws<StorageException>(() => WipeOrder.Verified(bytes, signature, key));
        Refused(bytes, signature, stranger);
        Refused(bytes, [], authority);
        Refused(bytes, new byte[2000], authority);
        // What else the authority signs is no order.
        Refused([1, 2, 3], authority.SignData([1, 2, 3], HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence), authority);

        var random = new Random(3);
        for (var round = 0; round < 5000; round++)
        {
            var hostile = random.Next(3) switch
            {
                0 => bytes[..random.Next(bytes.Length)],
                1 => [.. bytes, .. new byte[random.Next(1, 1000)]],
                _ => (byte[])bytes.Clone(),
            };
            for (var flips = random.Next(1, 4); flips > 0 && hostile.Length > 0; flips--)
                hostile[random.Next(hostile.Length)] ^= (byte)random.Next(1, 256);
            Refused(hostile, signature, authority);
            // Signed or not, it is read or refused, and nothing else; and what is read is all that was signed.
            try { Assert.Equal(hostile, WipeOrder.Parse(hostile).ToBytes()); }
            catch (StorageException) { }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"{Convert.ToHexString(hostile)}: {e}");
            }
        }
    }

    [Fact]
    public void A_disk_is_named_by_what_stays_the_same_in_another_slot()
    {
        var facts = Disks.Facts(GiB) with { Attachment = "pci0000:00/0000:00:04.0/virtio1" };
        var record = RecordTests.Record(DiskWork.Ready);
        Assert.Equal("at:pci0000:00/0000:00:04.0/virtio1", DiskIdentity.Of(facts, null));
        Assert.Equal($"disk:{record.Disk}", DiskIdentity.Of(facts, record));
        Assert.Equal(DiskIdentity.Of(facts, null), DiskIdentity.WithoutRecord(facts, record));
        Assert.Null(DiskIdentity.WithoutRecord(facts, null));
        Assert.Null(DiskIdentity.WithoutRecord(facts with { Wwn = "naa.5" }, record));
        Assert.Equal("serial:QEMU_HARDDISK/S_1", DiskIdentity.Of(facts with { Model = "QEMU HARDDISK", Serial = "S 1" }, record));
        Assert.Equal("wwn:naa.5", DiskIdentity.Of(facts with { Serial = "S", Wwn = "naa.5" }, record));
        Assert.Equal(DiskIdentity.Longest, DiskIdentity.Of(facts with { Wwn = new string('w', 500) }, null).Length);
    }

    [Fact]
    public void Whatever_is_written_anywhere_that_is_known_is_other_evidence()
    {
        var image = new SparseImage(40 * GiB);
        GptImage.Write(image, Guid.NewGuid(), 512, ("data", MiB, 2 * GiB));
        var evidence = SeenEvidence.Of(Disks.Classify(image));
        Assert.Equal(evidence, SeenEvidence.Of(Disks.Classify(image)));
        foreach (var place in (long[])[0, 700_000, MiB - 1, 64 * MiB + 64, 40 * GiB - 1, 40 * GiB - MiB])
        {
            var before = image.Read(place, 8).ToArray();
            image.Put(place, "_BHRfS_M"u8);
            Assert.NotEqual(evidence, SeenEvidence.Of(Disks.Classify(image)));
            image.Put(place, before);
        }
        Assert.Equal(evidence, SeenEvidence.Of(Disks.Classify(image)));
    }

    [Theory]
    [InlineData(512)]
    [InlineData(4096)]
    public async Task A_foreign_disk_is_blank_after_it_was_wiped_and_can_be_set_up(int sector)
    {
        // Its end is in the middle of a block of 4 KiB, where sectors are smaller.
        using var disk = new LoopDisk(sector, 12 * GiB + (sector == 512 ? 512 * 3 : 0));
        await LoopDisk.ShellAsync($"sgdisk -n 1:0:+1G -n 2:0:0 {disk.Device}; partx -a {disk.Device}; "
            + $"mkfs.xfs -q -f {disk.Device}p1; mkswap {disk.Device}p2");
        var foreign = await disk.LookAsync();
        Assert.Equal(DiskClass.Foreign, foreign.Class);
        var told = new Told();
        await Wiper.WipeAsync(foreign, Order(foreign), told, LoopDisk.Cancellation);
        Assert.InRange(told.Most, 30 * MiB, 300 * MiB);
        var blank = await disk.LookAsync();
        Assert.True(blank.Class == DiskClass.Blank, string.Join("; ", blank.Reasons));
        Assert.Empty(blank.Evidence.Facts.Partitions);
        // What was in the partitions is gone too: where one begins in the same place it is not found again.
        await LoopDisk.ShellAsync($"cmp -n 1200M {disk.File} /dev/zero");
        var own = await disk.SetUpAsync(new DiskSetUp(Disks.Policy, _ => { }));
        Assert.Equal(DiskWork.Ready, own.Record.Work);

        // Our own, too.
        var ours = await disk.LookAsync();
        await Wiper.WipeAsync(ours, Order(ours), told, LoopDisk.Cancellation);
        Assert.Equal(DiskClass.Blank, (await disk.LookAsync()).Class);
    }

    [Fact]
    public async Task What_differs_from_the_order_is_refused_and_no_byte_is_changed()
    {
        using var disk = new LoopDisk(512, 4 * GiB);
        disk.Put(0, "XFSB"u8);
        var seen = await disk.LookAsync();
        var good = Order(seen);
        async Task Refused(string why, WipeOrder order, DiskVerdict? verdict = null)
        {
            var before = await LoopDisk.ShellAsync($"head -c 2M {disk.File} | sha256sum");
            var error = await Assert.ThrowsAsync<StorageException>(() =>
                Wiper.WipeAsync(verdict ?? seen, order, new Told(), LoopDisk.Cancellation));
            Assert.Contains(why, error.Message, StringComparison.Ordinal);
            Assert.Equal(before, await LoopDisk.ShellAsync($"head -c 2M {disk.File} | sha256sum"));
        }
        await Refused("for another machine", good with { Machine = Guid.NewGuid() });
        await Refused("the order expired at", good with { Expires = DateTimeOffset.UtcNow });
        await Refused("for another disk", good with { Disk = "wwn:naa.1" });
        await Refused("is not what was seen", good with { Evidence = new string('0', 64) });
        await Refused("no disk that Operos uses: it is attached by USB", Order(seen with { Class = DiskClass.Unsuitable }),
            seen with { Class = DiskClass.Unsuitable, Reasons = ["it is attached by USB"] });
        using (BlockDevice.OpenForWriting(disk.Device)) await Refused("it is in use", good);
        // It was taken into use, or something else was written, since the look that led here.
        disk.Put(512 * 1024, "something"u8);
        await Refused("what is on it changed since it was looked at", good);
        seen = await disk.LookAsync();
        await Refused("is not what was seen", good);
        good = Order(seen);
        await Wiper.WipeAsync(seen, good, new Told(), LoopDisk.Cancellation);
        // Once: not even when all is as it was.
        disk.Put(512 * 1024, "something"u8);
        disk.Put(0, "XFSB"u8);
        Assert.Equal(good.Evidence, SeenEvidence.Of(await disk.LookAsync()));
        await Refused("was used already", good);
    }

    [Fact]
    public async Task A_mounted_disk_of_ours_is_not_wiped()
    {
        using var disk = new LoopDisk(512, 12 * GiB);
        var own = await disk.SetUpAsync(new DiskSetUp(Disks.Policy, _ => { }));
        var where = Path.Combine(disk.Folder, "mounted");
        await Contents.FileSystem.MountAsync(own.Partitions.Single(partition => partition.Use == PartitionUse.Volumes).Path, where, null,
            LoopDisk.Cancellation);
        try
        {
            var seen = await disk.LookAsync();
            Assert.Equal(DiskClass.Ours, seen.Class);
            var error = await Assert.ThrowsAsync<StorageException>(() =>
                Wiper.WipeAsync(seen, Order(seen), new Told(), LoopDisk.Cancellation));
            Assert.Contains("exclude it, and order it again after the machine's next boot", error.Message, StringComparison.Ordinal);
        }
        finally { Mounts.Detach(where); }
    }

    [Fact]
    public async Task A_wipe_that_was_cut_at_any_place_is_completed_or_told()
    {
        using var disk = new LoopDisk(4096, 12 * GiB);
        var outcomes = new SortedDictionary<string, int>();
        for (var cut = 0; cut < 4; cut++)
        {
            var own = await disk.SetUpAsync(new DiskSetUp(Disks.Policy, _ => { }));
            var seen = await disk.LookAsync();
            using var power = new CancellationTokenSource();
            var told = new Told(bytes => { if (bytes >= cut * 30 * MiB) power.Cancel(); });
            try { await Wiper.WipeAsync(seen, Order(seen), told, power.Token); }
            catch (OperationCanceledException) { }
            var verdict = await disk.LookAsync();
            outcomes[$"{verdict.Class}"] = outcomes.GetValueOrDefault($"{verdict.Class}") + 1;
            if (verdict.Class == DiskClass.Blank) continue;
            Assert.True(verdict.Class == DiskClass.UnfinishedOurs && verdict.Record!.Work == DiskWork.Wiping,
                $"cut {cut}: {verdict.Class}: {string.Join("; ", verdict.Reasons)}");
            // It is not set up instead.
            Assert.Empty(MachineLayout.Plan([verdict], new()));
            await Assert.ThrowsAsync<StorageException>(() => new DiskSetUp(Disks.Policy, _ => { }).RunAsync(verdict,
                new() { Partitions = [new(PartitionUse.Volumes, GiB)] }, LoopDisk.Cancellation));
            await Wiper.CompleteAsync(verdict, new Told(), LoopDisk.Cancellation);
            Assert.Equal(DiskClass.Blank, (await disk.LookAsync()).Class);
            Assert.NotEqual(Guid.Empty, own.Record.Disk);
        }
        output.WriteLine(string.Join(", ", outcomes));
        Assert.True(outcomes.GetValueOrDefault($"{DiskClass.UnfinishedOurs}") > 2);
    }

    [Fact]
    public async Task A_wipe_of_a_foreign_disk_that_was_cut_is_known_for_one_and_another_order_completes_it()
    {
        using var disk = new LoopDisk(512, 4 * GiB);
        await LoopDisk.ShellAsync($"sgdisk --new 1:0:0 {disk.Device}");
        var seen = await disk.LookAsync();
        Assert.Equal(DiskClass.Foreign, seen.Class);
        using var power = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            Wiper.WipeAsync(seen, Order(seen), new Told(_ => power.Cancel()), power.Token));
        var cut = await disk.LookAsync();
        Assert.Equal((DiskClass.Doubtful, DiskWork.Wiping), (cut.Class, cut.Record!.Work));
        Assert.Contains("if nobody put anything there since its wipe was cut, order it again", cut.Reasons);
        await Wiper.WipeAsync(cut, Order(cut), new Told(), LoopDisk.Cancellation);
        Assert.Equal(DiskClass.Blank, (await disk.LookAsync()).Class);
    }

    [Fact]
    public async Task What_an_order_waited_for_after_it_was_taken_in_time_does_not_count()
    {
        using var disk = new LoopDisk(512, 4 * GiB);
        var seen = await disk.LookAsync();
        var order = Order(seen) with { Expires = DateTimeOffset.UtcNow.AddSeconds(-1) };
        Assert.Contains("the order expired", (await Assert.ThrowsAsync<StorageException>(() =>
            Wiper.WipeAsync(seen, order, new Told(), LoopDisk.Cancellation))).Message, StringComparison.Ordinal);
        var late = new DiskWiper(Disks.Policy, used, TimeProvider.System) { Taken = order.Expires };
        await Assert.ThrowsAsync<StorageException>(() => late.WipeAsync(seen, order, new Told(), LoopDisk.Cancellation));
        var inTime = new DiskWiper(Disks.Policy, used, TimeProvider.System) { Taken = order.Expires.AddSeconds(-1) };
        await inTime.WipeAsync(seen, order, new Told(), LoopDisk.Cancellation);
    }

    private sealed class Told(Action<long>? on = null) : IProgress<long>
    {
        public long Most { get; private set; }

        public void Report(long value)
        {
            Most = Math.Max(Most, value);
            on?.Invoke(value);
        }
    }
}
