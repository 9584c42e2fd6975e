using Operos.Storage.Looks;
using Operos.Storage.Records;
using Operos.Storage.Work;

namespace Operos.Storage.Tests;

/// <summary>Whether a partition of ours is provably blank.</summary>
public sealed class PartitionLookTests
{
    private const long GiB = 1L << 30, Size = 40 * GiB;

    [Theory]
    [InlineData(0)]
    [InlineData(0xFF)]
    public void One_that_is_erased_at_every_place_is(byte background) => Assert.Null(WhyNot(new SparseImage(Size, background)));

    [Fact]
    public void One_with_anything_known_on_it_is_not()
    {
        var random = new Random(20261129);
        foreach (var structure in KnownStructure.All)
        {
            foreach (var place in structure.Places(Size, 512).Where(place => place >= 0 && place + structure.Length <= Size))
            {
                var image = new SparseImage(Size);
                image.Put(place, structure.Make(random));
                Assert.False(WhyNot(image) is null, $"{structure} at {place}");
            }
        }
    }

    [Fact]
    public void Why_one_is_not_is_told()
    {
        var image = new SparseImage(2000 * GiB);
        image.Put(100 * GiB, "bluestore block device\n6f1c2d5e-0000-4000-8000-000000000001\n"u8);
        Assert.StartsWith("Ceph BlueStore at ", WhyNot(image), StringComparison.Ordinal);
        image = new SparseImage(Size);
        image.Put(3 << 20, [7]);
        Assert.StartsWith("it holds data of no form that is known, at ", WhyNot(image), StringComparison.Ordinal);
        image = new SparseImage(Size);
        DiskRecordWriter.Write(image, RecordTests.Record(DiskWork.Claimed));
        Assert.Equal("the record of a disk stands there", WhyNot(image));
        image = new SparseImage(Size);
        image.Break(GiB);
        Assert.StartsWith("it cannot be read at ", WhyNot(image), StringComparison.Ordinal);
        // The kernel's partition is not the table's.
        Assert.StartsWith("the table says ", WhyNot(new SparseImage(Size), Size + 4096), StringComparison.Ordinal);
    }

    private static string? WhyNot(SparseImage image, long? table = null) =>
        PartitionLook.WhyNotBlank(DiskLook.Take(image, Disks.Facts(table ?? image.Bytes), CancellationToken.None));
}
