using Operos.Storage.Classes;
using Operos.Storage.Records;

namespace Operos.Storage.Tests;

/// <summary>Our own mark on a disk: what it says at any cut, and to whom.</summary>
public sealed class RecordTests
{
    private const long Size = 40L << 30;
    private static readonly Guid Disk = Guid.NewGuid(), Table = Guid.NewGuid();

    internal static DiskRecord Record(DiskWork work, ulong sequence = 1, long size = Size, string cluster = Disks.Cluster) => new()
    {
        Cluster = cluster, Disk = Disk, Machine = Disks.Machine, Table = Table, Work = work, Sequence = sequence, Bytes = size,
        Written = DateTimeOffset.FromUnixTimeSeconds(1_790_000_000),
    };

    [Theory]
    [InlineData(512)]
    [InlineData(4096)]
    public void A_record_is_read_as_it_was_written_and_stands_where_no_table_does(int sector)
    {
        var image = new SparseImage(Size);
        GptImage.Write(image, Table, sector, ("operos-osd", 1 << 20, Size - (2 << 20)));
        DiskRecordWriter.Write(image, Record(DiskWork.Ready));
        var verdict = Disks.Classify(image, sector);
        Assert.True(verdict.Class == DiskClass.Ours, string.Join("; ", verdict.Reasons));
        Assert.Equal(Record(DiskWork.Ready), verdict.Record);
        Assert.False(verdict.IsAnotherMachines);
        Assert.Equal(2, verdict.Evidence.Tables.Count);

        // Partitions are all that a table may have between its two parts: the record is in neither.
        var digest = image.Digest();
        GptImage.Write(image, Table, sector, ("operos-osd", 1 << 20, Size - (2 << 20)));
        Assert.NotEqual(digest, image.Digest()); // other random identifiers
        Assert.Equal(DiskClass.Ours, Disks.Classify(image, sector).Class);
    }

    [Fact]
    public void A_disk_says_another_machine_another_cluster_and_each_step_of_the_work()
    {
        var image = new SparseImage(Size);
        ulong sequence = 0;
        DiskVerdict Step(DiskWork work)
        {
            DiskRecordWriter.Write(image, Record(work, ++sequence));
            return Disks.Classify(image);
        }
        Assert.Equal(DiskClass.UnfinishedOurs, Step(DiskWork.Claimed).Class);
        GptImage.Write(image, Table, 512, ("operos-osd", 1 << 20, Size - (2 << 20)));
        foreach (var work in (DiskWork[])[DiskWork.Claimed, DiskWork.Partitioned, DiskWork.Formatted])
            Assert.Equal(DiskClass.UnfinishedOurs, Step(work).Class);
        Assert.Equal(DiskClass.Ours, Step(DiskWork.Ready).Class);

        var elsewhere = DiskClassifier.Classify(Disks.Look(image), Disks.Policy with { Machine = Guid.NewGuid() });
        Assert.Equal(DiskClass.Ours, elsewhere.Class);
        Assert.True(elsewhere.IsAnotherMachines);
        var stranger = DiskClassifier.Classify(Disks.Look(image), Disks.Policy with { Cluster = new string('a', 64) });
        Assert.Equal(DiskClass.Foreign, stranger.Class);
        Assert.Contains("another Operos cluster", stranger.Reasons[0], StringComparison.Ordinal);

        Assert.Equal(DiskClass.UnfinishedOurs, Step(DiskWork.Wiping).Class);
        // Whoever put a table or a file system there while the wipe was cut is not wiped.
        image.Put(0, "XFSB"u8);
        Assert.Equal(DiskClass.Doubtful, Disks.Classify(image).Class);
        GptImage.Write(image, Guid.NewGuid(), 512, ("somebody's", 1 << 20, Size - (2 << 20)));
        var taken = Disks.Classify(image);
        Assert.Equal(DiskClass.Doubtful, taken.Class);
        Assert.Contains("partitioned anew by somebody", taken.Reasons[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Whatever_byte_the_first_write_was_cut_at_the_disk_is_ours_or_doubtful_and_never_blank()
    {
        for (var cut = 0; cut <= 2 * SparseImage.Page; cut += cut % SparseImage.Page < 80 ? 1 : cut % SparseImage.Page < 600 ? 31 : 512)
        {
            var image = new SparseImage(Size);
            WriteCut(image, Record(DiskWork.Claimed), cut);
            var verdict = Disks.Classify(image);
            // The cluster's id ends at byte 64; no device cuts a sector.
            DiskClass[] right = cut switch { 0 => [DiskClass.Blank], < 64 => [DiskClass.Doubtful], _ => [DiskClass.UnfinishedOurs] };
            Assert.True(right.Contains(verdict.Class), $"cut at {cut}: {verdict.Class}: {string.Join("; ", verdict.Reasons)}");
            if (cut == 0) continue;
            var other = DiskClassifier.Classify(Disks.Look(image), Disks.Policy with { Cluster = new string('b', 64) });
            Assert.True(other.Class is DiskClass.Doubtful or DiskClass.Foreign, $"cut at {cut}, to another cluster: {other.Class}");
            // The next boot completes it.
            if (verdict.Class != DiskClass.UnfinishedOurs) continue;
            image.PowerFor = null;
            DiskRecordWriter.Write(image, Record(DiskWork.Claimed, 2));
            Assert.Equal(2ul, Disks.Classify(image).Record!.Sequence);
        }
    }

    [Fact]
    public void Whatever_byte_a_later_write_was_cut_at_the_former_record_or_the_new_one_holds_cut_after_cut()
    {
        var random = new Random(11);
        var image = new SparseImage(Size);
        DiskRecordWriter.Write(image, Record(DiskWork.Claimed));
        ulong holds = 1;
        for (var attempt = 0; attempt < 2000; attempt++)
        {
            var next = Record(DiskWork.Claimed, holds + 1);
            WriteCut(image, next, attempt < 1100 ? attempt : random.Next(2 * SparseImage.Page + 1));
            image.PowerFor = null;
            var verdict = Disks.Classify(image);
            Assert.True(verdict.Class == DiskClass.UnfinishedOurs, $"attempt {attempt}: {string.Join("; ", verdict.Reasons)}");
            Assert.InRange(verdict.Record!.Sequence, holds, holds + 1);
            holds = verdict.Record.Sequence;
        }
    }

    [Fact]
    public void A_record_is_not_written_over_anything_that_is_not_ours()
    {
        void Refused(string why, Action<SparseImage> prepare, DiskRecord? record = null)
        {
            var image = new SparseImage(Size);
            prepare(image);
            var digest = image.Digest();
            var error = Assert.Throws<IOException>(() => DiskRecordWriter.Write(image, record ?? Record(DiskWork.Claimed, 5)));
            Assert.Contains(why, error.Message, StringComparison.Ordinal);
            Assert.Equal(digest, image.Digest());
        }
        foreach (var place in DiskRecord.PlacesOn(Size))
            Refused("something else stands there", image => image.Put(place + 300, [1, 2, 3]));
        Refused("another cluster's", image => DiskRecordWriter.Write(image, Record(DiskWork.Ready, cluster: new string('c', 64))));
        Refused("another id", image => DiskRecordWriter.Write(image, Record(DiskWork.Ready) with { Disk = Guid.NewGuid() }));
        Refused("it has sequence 9", image => DiskRecordWriter.Write(image, Record(DiskWork.Ready, 9)));
        Refused("newer version", image => Newer(image));
    }

    [Fact]
    public void A_newer_version_s_record_and_copies_that_differ_are_doubtful()
    {
        var newer = new SparseImage(Size);
        Newer(newer);
        Assert.Equal(DiskClass.Doubtful, Disks.Classify(newer).Class);

        var mixed = new SparseImage(Size);
        DiskRecordWriter.Write(mixed, Record(DiskWork.Claimed));
        mixed.Put(DiskRecord.PlacesOn(Size)[1], (Record(DiskWork.Claimed) with { Disk = Guid.NewGuid() }).ToBytes(1));
        Assert.Equal(DiskClass.Doubtful, Disks.Classify(mixed).Class);
    }

    [Fact]
    public void One_copy_that_cannot_be_read_or_is_gone_leaves_the_disk_ours_and_says_so()
    {
        foreach (var copy in (int[])[0, 1])
        {
            var image = new SparseImage(Size);
            GptImage.Write(image, Table, 512, ("operos-osd", 1 << 20, Size - (2 << 20)));
            DiskRecordWriter.Write(image, Record(DiskWork.Ready));
            image.Break(DiskRecord.PlacesOn(Size)[copy]);
            var verdict = Disks.Classify(image);
            Assert.True(verdict.Class == DiskClass.Ours, string.Join("; ", verdict.Reasons));
            Assert.Contains(verdict.Reasons, reason => reason.Contains("unreadable", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_disk_that_grew_is_ours_and_one_that_shrank_is_doubtful()
    {
        var image = new SparseImage(Size);
        GptImage.Write(image, Table, 512, ("operos-osd", 1 << 20, Size - (2 << 20)));
        DiskRecordWriter.Write(image, Record(DiskWork.Ready));
        image.Resize(Size + (10L << 30));
        var grown = Disks.Classify(image);
        Assert.True(grown.Class == DiskClass.Ours, string.Join("; ", grown.Reasons));
        Assert.Contains("it grew from 40 GiB to 50 GiB", grown.Reasons);
        Assert.Equal(2, grown.Evidence.Tables.Count);

        image.Resize(Size - (1 << 20));
        Assert.Equal(DiskClass.Doubtful, Disks.Classify(image).Class);
    }

    [Fact]
    public void Whatever_somebody_does_to_a_disk_of_ours_afterwards_makes_it_doubtful()
    {
        void Doubtful(string why, Action<SparseImage> deed, int sector = 512)
        {
            var image = new SparseImage(Size);
            GptImage.Write(image, Table, 512, ("operos-osd", 1 << 20, Size - (2 << 20)));
            DiskRecordWriter.Write(image, Record(DiskWork.Ready));
            deed(image);
            var verdict = Disks.Classify(image, sector);
            Assert.True(verdict.Class == DiskClass.Doubtful, $"{why}: {verdict.Class}");
            Assert.Contains(why, string.Join("; ", verdict.Reasons), StringComparison.Ordinal);
        }
        Doubtful("partitioned anew", image => GptImage.Write(image, Guid.NewGuid(), 512, ("data", 1 << 20, 2 << 20)));
        Doubtful("besides its record it holds LVM2", image => image.Put(512, "LABELONE"u8)); // over the header of the GPT
        Doubtful("besides its record it holds swap", image => image.Put(65526, "SWAPSPACE2"u8));
        Doubtful("only the backup is whole", image => image.Fill(0, 512 << 10, 0));
        Doubtful("partition table is gone", image =>
        {
            image.Fill(0, 512 << 10, 0);
            image.Fill(Size - (512 << 10), 512 << 10, 0);
        });
        Doubtful("sectors of 512 bytes", _ => { }, sector: 4096);
        Doubtful("overwritten", image => image.Put(DiskRecord.PlacesOn(Size)[1], [7, 7, 7]));
        Doubtful("overwritten", image => image.Put(DiskRecord.PlacesOn(Size)[0] + 600, [7, 7, 7]));
    }

    [Fact]
    public void What_stands_inside_our_partitions_may_look_like_anything()
    {
        // A pod writes what it likes into its volume, a copy of a label of Ceph at 1 GiB among it.
        var image = new SparseImage(Size);
        GptImage.Write(image, Table, 512, ("operos-local", 1 << 20, Size - (2 << 20)));
        DiskRecordWriter.Write(image, Record(DiskWork.Ready));
        image.Put(1L << 30, "bluestore block device"u8);
        image.Put(64L << 20 | 64, "_BHRfS_M"u8);
        image.Put(2 << 20, [.. "SKUL"u8, 0xBA, 0xBE]);
        var verdict = Disks.Classify(image);
        Assert.True(verdict.Class == DiskClass.Ours, string.Join("; ", verdict.Reasons));

        // Without our record it is foreign all the same.
        foreach (var place in DiskRecord.PlacesOn(Size)) image.Fill(place, 4096, 0);
        Assert.Equal(DiskClass.Foreign, Disks.Classify(image).Class);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void No_bytes_in_a_record_s_or_a_table_s_place_end_a_look(bool checksumsHold)
    {
        var random = new Random(17);
        for (var round = 0; round < 1000; round++)
        {
            var image = new SparseImage(Size);
            GptImage.Write(image, Table, random.Next(2) == 0 ? 512 : 4096, ("operos-osd", 1 << 20, Size - (2 << 20)));
            DiskRecordWriter.Write(image, Record(DiskWork.Ready));
            for (var flips = random.Next(1, 4); flips > 0; flips--)
            {
                long[] places = [512, 4096, 1024, 8192, Size - 512, Size - 4096, .. DiskRecord.PlacesOn(Size)];
                var bytes = new byte[random.Next(1, 9)];
                random.NextBytes(bytes);
                image.Put(places[random.Next(places.Length)] + random.Next(200), bytes);
            }
            // What is behind a checksum sees no hostile value as long as that is wrong.
            if (checksumsHold)
            {
                HostileImage.RenewRecords(image);
                GptImage.RenewChecksums(image);
            }
            Assert.NotEqual(DiskClass.Blank, Disks.Classify(image).Class);
        }
    }

    private static void WriteCut(SparseImage image, DiskRecord record, long bytes)
    {
        image.PowerFor = bytes;
        try { DiskRecordWriter.Write(image, record); }
        catch (IOException e) when (e.Message == "the power is gone") { }
    }

    private static void Newer(SparseImage image)
    {
        var bytes = Record(DiskWork.Claimed).ToBytes(0);
        bytes[16] = 2;
        System.Security.Cryptography.SHA256.HashData(bytes.AsSpan(0, 480), bytes.AsSpan(480));
        image.Put(DiskRecord.PlacesOn(Size)[0], bytes);
    }
}
