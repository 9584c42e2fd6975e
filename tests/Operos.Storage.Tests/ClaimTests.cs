using Operos.Storage.Classes;
using Operos.Storage.Looks;
using Operos.Storage.Records;

namespace Operos.Storage.Tests;

/// <summary>What a record of ours excuses, and what it does not.</summary>
public sealed class ClaimTests
{
    private const long Size = 40L << 30;

    private static Guid Table => RecordTests.Record(DiskWork.Ready).Table;

    [Theory]
    [InlineData(DiskWork.Claimed)]
    [InlineData(DiskWork.Partitioned)]
    [InlineData(DiskWork.Ready)]
    [InlineData(DiskWork.Wiping)]
    public void A_header_of_somebody_else_s_table_is_not_excused_by_its_name_alone(DiskWork work)
    {
        // Their table is damaged, so that its identity is not known by a whole one: the headers alone are there.
        var image = new SparseImage(Size);
        GptImage.Write(image, Guid.NewGuid(), 512, ("theirs", 1 << 20, 1L << 30));
        DiskRecordWriter.Write(image, RecordTests.Record(work));
        foreach (var header in (long[])[512, Size - 512]) image.Put(header + 16, [1, 2, 3, 4]);
        Told(DiskClass.Doubtful, "GPT", Disks.Classify(image));
    }

    [Fact]
    public void One_damaged_header_is_excused_where_the_other_table_of_the_record_is_whole()
    {
        var image = Ready();
        image.Put(Size - 512 + 16, [1, 2, 3, 4]);
        Told(DiskClass.Ours, "the backup of its GPT is not whole", Disks.Classify(image));

        // A header that stands where no table of the record says.
        image = Ready(sector: 4096);
        image.Put(Size - 512, "EFI PART"u8);
        Told(DiskClass.Doubtful, "besides its record it holds GPT", Disks.Classify(image, 4096));
    }

    [Fact]
    public void A_claimed_disk_that_holds_data_of_no_known_form_is_doubtful()
    {
        var image = new SparseImage(Size);
        DiskRecordWriter.Write(image, RecordTests.Record(DiskWork.Claimed));
        Told(DiskClass.UnfinishedOurs, "it is to be partitioned", Disks.Classify(image));
        image.Put(5 << 20, "somebody's"u8);
        Told(DiskClass.Doubtful, "it holds data, at 5 MiB", Disks.Classify(image));
        // A table of ours does not excuse it: its partitions are not made yet.
        GptImage.Write(image, Table, 512, ("operos-osd", 1 << 20, Size - (2 << 20)));
        Told(DiskClass.Doubtful, "it holds data, at 5 MiB", Disks.Classify(image));

        var unreadable = new SparseImage(Size);
        DiskRecordWriter.Write(unreadable, RecordTests.Record(DiskWork.Claimed));
        unreadable.Break(5 << 20);
        Told(DiskClass.Doubtful, "not every place where something would stand could be read", Disks.Classify(unreadable));
    }

    [Theory]
    [InlineData(DiskWork.Partitioned)]
    [InlineData(DiskWork.Formatted)]
    public void A_partitioned_disk_without_its_table_is_done_anew_only_where_it_is_erased(DiskWork work)
    {
        var image = new SparseImage(Size);
        DiskRecordWriter.Write(image, RecordTests.Record(work));
        Told(DiskClass.UnfinishedOurs, "its partition table is gone, and nothing else is there", Disks.Classify(image));
        image.Put(3 << 20, "a volume"u8);
        Told(DiskClass.Doubtful, "it holds data, at 3 MiB", Disks.Classify(image));
        GptImage.Write(image, Table, 512, ("operos-local", 1 << 20, Size - (2 << 20)));
        Told(DiskClass.UnfinishedOurs, "work on it was cut", Disks.Classify(image));
        image.Fill(0, 512 << 10, 0);
        Told(DiskClass.Doubtful, "it holds data, at 3 MiB", Disks.Classify(image));
    }

    [Theory]
    [InlineData(512)]
    [InlineData(4096)]
    public void A_table_of_ours_that_was_cut_at_any_byte_while_it_was_written_is_known_again(int sector)
    {
        // As fdisk writes them, and in the other order: backup first, the protective MBR last.
        var whole = new SparseImage(Size);
        GptImage.Write(whole, Table, sector, ("operos-osd", 1 << 20, Size - (2 << 20)));
        var last = Size / sector - 1;
        (long Place, int Length)[] writes = [((last - 16384 / sector) * sector, 16384), (last * sector, sector), (2L * sector, 16384),
            (sector, sector), (0, 512)];
        foreach (var order in (IEnumerable<(long Place, int Length)>[])[writes, writes.Reverse()])
        {
            var image = new SparseImage(Size);
            DiskRecordWriter.Write(image, RecordTests.Record(DiskWork.Claimed));
            foreach (var (place, length) in order)
            {
                for (var done = 0; done < length; done += 512)
                {
                    Told(DiskClass.UnfinishedOurs, "it is to be partitioned", Disks.Classify(image, sector));
                    image.Put(place + done, whole.Read(place + done, 512).ToArray());
                }
            }
            var verdict = Disks.Classify(image, sector);
            Told(DiskClass.UnfinishedOurs, "it is to be partitioned", verdict);
            Assert.Equal(2, verdict.Evidence.Tables.Count);
            // Boot code, another entry, and entries of other types are nobody's of ours.
            foreach (var (place, bytes) in new[] { (100L, "code"u8.ToArray()), (446 + 16 + 4, [0x83]),
                (2L * sector + 1024, Guid.NewGuid().ToByteArray()) })
            {
                var before = image.Read(place, bytes.Length).ToArray();
                image.Put(place, bytes);
                Told(DiskClass.Doubtful, "besides its record it holds", Disks.Classify(image, sector));
                image.Put(place, before);
            }
        }
    }

    [Theory]
    [InlineData(16, 0)] // version
    [InlineData(16, 9)]
    [InlineData(19, 0)] // work
    [InlineData(19, 77)]
    [InlineData(119, 0x80)] // size: it is negative
    public void A_record_that_is_whole_and_says_what_is_not_known_is_left_alone(int at, byte value)
    {
        var verdict = Disks.Classify(HostileImage.WithRecord(RecordTests.Record(DiskWork.Claimed), at, value));
        Told(DiskClass.Doubtful, "written by a newer version", verdict);
    }

    [Fact]
    public void On_a_disk_that_grew_nothing_is_overwritten_where_the_second_copy_goes()
    {
        const long grown = Size + (10L << 30);
        var place = DiskRecord.PlacesOn(grown)[1];
        var image = Ready();
        image.Resize(grown);
        image.Put(place, "somebody's"u8);
        var digest = image.Digest();
        Told(DiskClass.Doubtful, "something else stands where its record goes now", Disks.Classify(image));
        Assert.Throws<IOException>(() => DiskRecordWriter.Write(image, RecordTests.Record(DiskWork.Ready, 2, grown)));
        Assert.Equal(digest, image.Digest());
    }

    [Fact]
    public void A_record_s_first_write_on_a_disk_that_grew_is_known_again_whatever_it_was_cut_at()
    {
        const long grown = Size + (10L << 30);
        for (var cut = 0; cut <= 4 * SparseImage.Page; cut += 512)
        {
            var image = Ready();
            image.Resize(grown);
            image.PowerFor = cut;
            try { DiskRecordWriter.Write(image, RecordTests.Record(DiskWork.Ready, 2, grown)); }
            catch (IOException) { }
            image.PowerFor = null;
            var verdict = Disks.Classify(image);
            Assert.True(verdict.Class == DiskClass.Ours, $"cut at {cut}: {string.Join("; ", verdict.Reasons)}");
            DiskRecordWriter.Write(image, RecordTests.Record(DiskWork.Ready, 3, grown));
            Assert.Equal([true, true], DiskRecord.PlacesOn(grown).Select(place =>
                image.Read(place, DiskRecord.Magic.Length).SequenceEqual(DiskRecord.Magic)));
            // The former copy is no record any more.
            Assert.False(image.Read(DiskRecord.PlacesOn(Size)[1], DiskRecord.Length).ContainsAnyExcept((byte)0));
        }
    }

    private static SparseImage Ready(int sector = 512)
    {
        var image = new SparseImage(Size);
        GptImage.Write(image, Table, sector, ("operos-osd", 1 << 20, Size - (2 << 20)));
        DiskRecordWriter.Write(image, RecordTests.Record(DiskWork.Ready));
        return image;
    }

    private static void Told(DiskClass right, string reason, DiskVerdict verdict)
    {
        var told = string.Join("; ", verdict.Reasons);
        Assert.True(verdict.Class == right, $"{verdict.Class}: {told}");
        Assert.Contains(reason, told, StringComparison.Ordinal);
    }
}
