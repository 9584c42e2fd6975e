using Operos.Storage.Classes;
using Operos.Storage.Looks;
using Operos.Storage.Records;

namespace Operos.Storage.Tests;

/// <summary>The decision over evidence, and the traps that tools leave.</summary>
public sealed class ClassifierTests
{
    private const long GiB = 1L << 30, Size = 40 * GiB;

    [Fact]
    public void A_GPT_whose_first_MiB_is_gone_is_foreign_by_its_backup()
    {
        foreach (var sector in (int[])[512, 4096])
        {
            var image = new SparseImage(Size);
            GptImage.Write(image, Guid.NewGuid(), sector, ("data", GiB, 2 * GiB));
            image.Fill(0, 1 << 20, 0);
            var verdict = Disks.Classify(image, sector);
            Assert.Equal(DiskClass.Foreign, verdict.Class);
            Assert.Contains("of its GPT only the backup is whole", verdict.Reasons);
        }
    }

    [Fact]
    public void An_OSD_of_Ceph_20_without_its_first_sector_is_foreign_by_the_copies_of_its_label()
    {
        var image = new SparseImage(2000 * GiB);
        foreach (var place in (long[])[GiB, 10 * GiB, 100 * GiB, 1000 * GiB])
        {
            image.Put(place, "bluestore block device\n6f1c2d5e-0000-4000-8000-000000000001\n"u8);
            var verdict = Disks.Classify(image);
            Assert.Equal(DiskClass.Foreign, verdict.Class);
            Assert.Contains("Ceph BlueStore", verdict.Reasons[0], StringComparison.Ordinal);
            image.Fill(place, 4096, 0);
        }
        Assert.Equal(DiskClass.Blank, Disks.Classify(image).Class);
    }

    [Fact]
    public void An_md_member_s_superblock_at_the_end_hides_neither_a_GPT_nor_an_OSD()
    {
        var image = new SparseImage(Size);
        GptImage.Write(image, Guid.NewGuid(), 4096, ("osd", 1 << 20, 2 * GiB));
        image.Put(Size - 8192, [0xFC, 0x4E, 0x2B, 0xA9]);
        image.Put(10 * GiB, "bluestore block device\n"u8);
        var names = Disks.Look(image, 4096).Signatures.Select(signature => signature.Name).ToList();
        Assert.Contains("md RAID 1.0", names);
        Assert.Contains("GPT", names);
        Assert.Contains("Ceph BlueStore", names);
    }

    [Fact]
    public void A_GPT_for_other_sectors_is_told()
    {
        var image = new SparseImage(Size);
        GptImage.Write(image, Guid.NewGuid(), 512, ("EFI System", 1 << 20, GiB), ("Linux LVM", GiB, 2 * GiB));
        var verdict = Disks.Classify(image, 4096);
        Assert.Equal(DiskClass.Foreign, verdict.Class);
        Assert.Contains("its GPT has 2 partitions: EFI System, Linux LVM", verdict.Reasons);
        Assert.Contains("its GPT was written for sectors of 512 bytes, and this disk has 4096", verdict.Reasons);
    }

    [Fact]
    public void A_partition_table_s_random_identifiers_are_not_taken_for_file_systems()
    {
        // The first partition's GUID begins where Minix has its magic: one in some ten thousand disks looks like one.
        var image = new SparseImage(Size);
        GptImage.Write(image, Guid.NewGuid(), 512, new Guid("1234137f-0000-4000-8000-000000000001"), ("osd", 1 << 20, 2 * GiB));
        Assert.True(image.Read(1040, 2).SequenceEqual<byte>([0x7F, 0x13]));
        Assert.DoesNotContain(Disks.Look(image).Signatures, signature => signature.Name == "Minix");
    }

    [Fact]
    public void A_disk_with_read_errors_is_never_blank_and_a_failing_one_is_given_up()
    {
        foreach (var place in (long[])[0, 4 << 20, Size - 4096, Size - (9 << 20), GiB, Size / 64 * 7])
        {
            var image = new SparseImage(Size);
            image.Break(place);
            var verdict = Disks.Classify(image);
            Assert.True(verdict.Class == DiskClass.Doubtful, $"unreadable at {place}: {verdict.Class}");
            Assert.Contains(verdict.Reasons, reason => reason.Contains("cannot be read", StringComparison.Ordinal));
        }
        // What can be read beside what cannot is still known.
        var half = new SparseImage(Size);
        half.Break(4096);
        half.Put(0, "XFSB"u8);
        Assert.Equal(DiskClass.Foreign, Disks.Classify(half).Class);

        var failing = new SparseImage(Size);
        for (var at = 0; at < 8 << 20; at += 4096) failing.Break(at);
        var given = Disks.Classify(failing);
        Assert.Equal(DiskClass.Doubtful, given.Class);
        Assert.Contains("16 reads failed", given.Reasons);
    }

    [Fact]
    public void What_a_disk_is_for_comes_before_what_is_on_it()
    {
        var blank = Disks.Look(new SparseImage(Size));
        void Is(DiskClass right, string why, Func<DiskFacts, DiskFacts> change, DiskPolicy? policy = null)
        {
            var verdict = DiskClassifier.Classify(blank with { Facts = change(blank.Facts) }, policy ?? Disks.Policy);
            Assert.True(verdict.Class == right, $"{why}: {verdict.Class}");
            Assert.Contains(verdict.Reasons, reason => reason.Contains(why, StringComparison.Ordinal));
        }
        Is(DiskClass.Blank, "erased", facts => facts);
        Transport[] used = [Transport.Sata, Transport.Sas, Transport.Nvme, Transport.Virtio, Transport.Scsi, Transport.Mmc];
        foreach (var transport in used)
            Is(DiskClass.Blank, "erased", facts => facts with { Transport = transport });
        Is(DiskClass.Unsuitable, "over a network", facts => facts with { Transport = Transport.Network });
        Is(DiskClass.Unsuitable, "by USB", facts => facts with { Transport = Transport.Usb });
        Is(DiskClass.Unsuitable, "virtual media",
            facts => facts with { Transport = Transport.Usb, Vendor = "AMI", Model = "Virtual HDisk0" });
        Is(DiskClass.Unsuitable, "made of other devices", facts => facts with { Transport = Transport.Stacked });
        Is(DiskClass.Unsuitable, "not known", facts => facts with { Transport = Transport.Unknown });
        Is(DiskClass.Unsuitable, "it is a file", facts => facts with { Transport = Transport.File },
            Disks.Policy with { TakesFiles = false });
        Is(DiskClass.Unsuitable, "cannot be written", facts => facts with { IsReadOnly = true });
        Is(DiskClass.Unsuitable, "can be taken out", facts => facts with { IsRemovable = true });
        Is(DiskClass.Unsuitable, "zoned", facts => facts with { IsZoned = true });
        Is(DiskClass.Unsuitable, "sectors have 520", facts => facts with { LogicalSector = 520 });
        Is(DiskClass.Unsuitable, "the smallest that is used has 100 GiB", facts => facts, Disks.Policy with { SmallestBytes = 100 * GiB });
        Is(DiskClass.InUse, "in use by dm-0", facts => facts with { Uses = ["dm-0"] });
        Is(DiskClass.InUse, "in use: mounted at /", facts => facts with { Uses = ["mounted at /"] });
        Is(DiskClass.InUse, "the running system", facts => facts with { IsBootMedium = true });
        Is(DiskClass.Doubtful, "its size is changing", facts => facts with { Bytes = Size * 2 });
        Is(DiskClass.Doubtful, "the kernel knows 1 partition of it", facts => facts with { Partitions = [new("sda1", 1 << 20, GiB)] });
    }

    [Fact]
    public void A_disk_of_ours_that_is_mounted_stays_ours_and_unfinished_work_that_somebody_uses_is_in_use()
    {
        var image = new SparseImage(Size);
        DiskRecordWriter.Write(image, RecordTests.Record(DiskWork.Claimed));
        GptImage.Write(image, RecordTests.Record(DiskWork.Ready).Table, 512, ("operos-local", 1 << 20, Size - (2 << 20)));
        DiskVerdict Mounted() => DiskClassifier.Classify(Disks.Look(image) with
            { Facts = Disks.Facts(Size) with { Uses = ["mounted at /var/lib/containerd"] } }, Disks.Policy);
        Assert.Equal(DiskClass.InUse, Mounted().Class);
        DiskRecordWriter.Write(image, RecordTests.Record(DiskWork.Ready, 2));
        Assert.Equal(DiskClass.Ours, Mounted().Class);
        Assert.Contains("in use: mounted at /var/lib/containerd", Mounted().Reasons);
    }

    [Fact]
    public void A_disk_with_two_ports_is_one_and_two_disks_of_one_name_are_two()
    {
        var blank = Disks.Look(new SparseImage(Size));
        DiskEvidence Port(string name, string? wwn, string? serial) =>
            blank with { Facts = blank.Facts with { Name = name, Wwn = wwn, Serial = serial } };
        var ports = DiskClassifier.Classify([Port("sda", "naa.5000c500a1b2c3d4", "ZC1"), Port("sdb", "naa.5000c500a1b2c3d4", "ZC1")],
            Disks.Policy);
        Assert.Equal([DiskClass.Blank, DiskClass.InUse], ports.Select(disk => disk.Class));

        // A vendor's batch with one EUI-64, and disks without anything to be told apart by.
        Assert.All(DiskClassifier.Classify([Port("nvme0n1", "eui.0025385b71b0", "S1"), Port("nvme1n1", "eui.0025385b71b0", "S2"),
            Port("vda", null, null), Port("vdb", null, null)], Disks.Policy), disk => Assert.Equal(DiskClass.Blank, disk.Class));

        var written = new SparseImage(Size);
        written.Put(0, "XFSB"u8);
        var foreign = Disks.Look(written);
        Assert.All(DiskClassifier.Classify([Port("sda", "naa.1", "Z"),
            foreign with { Facts = foreign.Facts with { Name = "sdb", Wwn = "naa.1", Serial = "Z" } }], Disks.Policy),
            disk => Assert.Equal(DiskClass.Doubtful, disk.Class));
    }

    [Fact]
    public void A_copy_beside_its_original_makes_both_doubtful()
    {
        var image = new SparseImage(Size);
        DiskRecordWriter.Write(image, RecordTests.Record(DiskWork.Claimed));
        var both = DiskClassifier.Classify([Disks.Look(image), Disks.Look(image, name: "sdb")], Disks.Policy);
        Assert.All(both, disk => Assert.Equal(DiskClass.Doubtful, disk.Class));
        Assert.Contains("sdb has the same id: one is a copy of the other", both[0].Reasons);
    }
}
