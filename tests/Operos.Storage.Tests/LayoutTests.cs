using Operos.Storage.Classes;
using Operos.TestRun;

namespace Operos.Storage.Tests;

/// <summary>Ten thousand disks: what holds anything is never called blank, what holds nothing is, and a look changes no byte.</summary>
public sealed class LayoutTests(ITestOutputHelper output)
{
    private const int Count = 10_000, FirstSeed = 20261129;
    private const long GiB = 1L << 30;

    [Fact]
    public void None_of_ten_thousand_layouts_is_wrongly_blank_and_a_look_changes_no_byte()
    {
        output.WriteLine($"seeds {FirstSeed} to {FirstSeed + Count - 1}");
        var tally = Judge(Enumerable.Range(FirstSeed, Count));
        output.WriteLine(string.Join(", ", tally.OrderBy(entry => entry.Key).Select(entry => $"{entry.Key} {entry.Value}")));
        // A generator whose layouts are all of one sort proves nothing.
        Assert.All([DiskClass.Blank, DiskClass.Foreign, DiskClass.Doubtful], sort =>
            Assert.True(tally.GetValueOrDefault(sort) > Count / 100, $"only {tally.GetValueOrDefault(sort)} layouts are {sort}"));
    }

    [Fact(Explicit = true), Trait("stage", "soak")]
    public void None_of_the_layouts_of_the_list_is_wrongly_blank() => Judge(SoakPart.Current.Seeds(4000));

    private static Dictionary<DiskClass, int> Judge(IEnumerable<int> seeds)
    {
        var tally = new Dictionary<DiskClass, int>();
        foreach (var seed in seeds)
        {
            var layout = Layout.Make(seed);
            var before = layout.Image.Digest();
            var verdict = DiskClassifier.Classify(layout.Look(), Disks.Policy);
            string Told() => $"seed {seed}: {layout}: {verdict.Class}: {string.Join("; ", verdict.Reasons)}";
            Assert.True(before == layout.Image.Digest(), Told());
            Assert.True(verdict.Class is DiskClass.Blank or DiskClass.Foreign or DiskClass.Doubtful, Told());
            if (layout.IsErased) Assert.True(verdict.Class == DiskClass.Blank, Told());
            if (layout.HasRemains) Assert.True(verdict.Class != DiskClass.Blank, Told());
            var names = verdict.Evidence.Signatures.Select(signature => signature.Name).ToHashSet();
            Assert.All(layout.Intact, structure => Assert.True(structure.Names.Any(names.Contains), $"no {structure}: {Told()}"));
            tally[verdict.Class] = tally.GetValueOrDefault(verdict.Class) + 1;
        }
        return tally;
    }

    [Theory]
    [InlineData(512)]
    [InlineData(4096)]
    public void Whatever_is_known_is_named_alone_at_each_of_its_places_and_not_blank_without_its_magic(int sector)
    {
        var judged = 0;
        foreach (var size in (long[])[64 << 20, 4 * GiB + 512 * 1024, 1_000_204_886_016, 2000 * GiB])
        {
            foreach (var structure in KnownStructure.All)
            {
                foreach (var place in structure.Places(size, sector))
                {
                    var layout = Layout.Of(structure, place, size, sector);
                    var whole = DiskClassifier.Classify(layout.Look(), Disks.Policy);
                    Assert.True(whole.Class == DiskClass.Foreign, $"{layout}: {whole.Class}");
                    Assert.Contains(whole.Evidence.Signatures, signature => structure.Names.Contains(signature.Name));

                    // Of a structure that is all magic nothing is left.
                    layout.Image.Fill(place + structure.MagicAt, structure.Magic.Length, 0);
                    var wiped = DiskClassifier.Classify(layout.Look(), Disks.Policy);
                    Assert.True(wiped.Class != DiskClass.Blank || structure.Length == structure.Magic.Length, $"{layout}: {wiped.Class}");
                    judged++;
                }
            }
        }
        Assert.True(judged > 500, $"only {judged}");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0xFF)]
    public void A_disk_that_was_never_written_is_blank_whatever_its_erase_pattern(byte pattern)
    {
        foreach (var size in (long[])[4 << 20, 3 * GiB + 4096, 1_000_204_886_016, 24L << 40])
        {
            var verdict = Disks.Classify(new SparseImage(size, pattern));
            Assert.True(verdict.Class == DiskClass.Blank, $"{size}: {string.Join("; ", verdict.Reasons)}");
            // What 12 such disks cost at a boot: no disk is read as a whole.
            Assert.InRange(verdict.Evidence.BytesRead, 1, 64 << 20);
        }
    }

    [Fact]
    public void Ones_in_the_place_of_zeros_are_erased_and_any_other_pattern_is_data()
    {
        var image = new SparseImage(8 * GiB);
        var page = new byte[4096];
        page.AsSpan().Fill(0xFF);
        image.Put(1 << 20, page);
        Assert.Equal(DiskClass.Blank, Disks.Classify(image).Class);
        page.AsSpan().Fill(0xAA);
        image.Put(1 << 20, page);
        var verdict = Disks.Classify(image);
        Assert.Equal(DiskClass.Doubtful, verdict.Class);
        Assert.Contains("no form that is known, at 1 MiB", verdict.Reasons[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Data_without_any_header_is_found_by_samples_of_the_middle()
    {
        // A third of a disk whose start and end were overwritten.
        var image = new SparseImage(3 * GiB);
        var random = new Random(5);
        var data = new byte[1 << 20];
        random.NextBytes(data);
        for (var at = GiB; at < 2 * GiB; at += 16 << 20) image.Put(at, data);
        Assert.Equal(DiskClass.Doubtful, Disks.Classify(image).Class);
    }

    [Fact]
    public void A_later_allocation_group_of_XFS_is_data_though_its_start_was_wiped()
    {
        // mkfs.xfs: four groups of equal size, the next whole block after each quarter.
        const long size = 37 * GiB + 12345 * 4096L;
        var image = new SparseImage(size);
        image.Put((size / 4096 + 3) / 4 * 4096, "XFSB"u8);
        Assert.Equal(DiskClass.Doubtful, Disks.Classify(image).Class);
    }
}
