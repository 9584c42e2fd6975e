using Operos.Storage.Classes;
using Operos.Storage.Records;
using Operos.Storage.Wipes;

namespace Operos.Storage.Tests;

/// <summary>What a wipe leaves, on disks of any contents, and where the power goes while it is done.</summary>
public sealed class ErasureTests
{
    [Fact]
    public void Any_layout_is_blank_after_it_was_erased_and_the_record_is_the_last_that_goes()
    {
        var random = new Random(5);
        var outcomes = new Dictionary<DiskClass, int>();
        for (var seed = 1; seed <= 80; seed++)
        {
            var layout = Layout.Make(seed);
            var image = layout.Image;
            var before = DiskClassifier.Classify(layout.Look(), Disks.Policy);
            var record = RecordTests.Record(DiskWork.Wiping, size: image.Bytes);
            DiskVerdict After() => DiskClassifier.Classify(layout.Look(), Disks.Policy);
            string Told(DiskVerdict verdict) => $"seed {seed}: {layout}: {verdict.Class}: {string.Join("; ", verdict.Reasons)}";

            // Cut after so many bytes: never blank, and never anything that is set up.
            image.PowerFor = random.NextInt64(4096, 40 << 20);
            try
            {
                DiskRecordWriter.Overwrite(image, record);
                Erasure.Run(image, before.Evidence, new Progress<long>(), CancellationToken.None);
            }
            catch (IOException e) when (e.Message == "the power is gone") { }
            image.PowerFor = null;
            var cut = After();
            outcomes[cut.Class] = outcomes.GetValueOrDefault(cut.Class) + 1;
            Assert.True(cut.Class is DiskClass.Doubtful or DiskClass.UnfinishedOurs
                || (cut.Class == DiskClass.Blank && cut.Record is null), Told(cut));
            if (cut.Class == DiskClass.UnfinishedOurs) Assert.Equal(DiskWork.Wiping, cut.Record!.Work);

            // Completed, or ordered again.
            if (cut.Class == DiskClass.Doubtful) DiskRecordWriter.Overwrite(image, record);
            Erasure.Run(image, cut.Evidence, new Progress<long>(), CancellationToken.None);
            var blank = After();
            Assert.True(blank.Class == DiskClass.Blank, Told(blank));
        }
        Assert.True(outcomes.GetValueOrDefault(DiskClass.UnfinishedOurs) > 8, string.Join(", ", outcomes));
    }

    [Fact]
    public void A_record_of_a_disk_that_grew_goes_with_it()
    {
        const long small = 10L << 30, large = 30L << 30;
        var image = new SparseImage(small);
        GptImage.Write(image, RecordTests.Record(DiskWork.Ready).Table, 512, ("operos-osd", 1 << 20, small - (2 << 20)));
        DiskRecordWriter.Write(image, RecordTests.Record(DiskWork.Ready, size: small));
        image.Resize(large);
        var grown = Disks.Classify(image);
        Assert.Equal(DiskClass.Ours, grown.Class);
        DiskRecordWriter.Overwrite(image, RecordTests.Record(DiskWork.Wiping, 2, large));
        Erasure.Run(image, grown.Evidence, new Progress<long>(), CancellationToken.None);
        Assert.Equal(DiskClass.Blank, Disks.Classify(image).Class);
        Assert.All(image.Pages, page => Assert.False(page.Value.AsSpan().ContainsAnyExcept((byte)0), $"something is left at {page.Key}"));
    }
}
