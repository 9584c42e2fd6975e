using Operos.Linux;
using Operos.Storage.Records;
using Operos.Storage.Reports;

namespace Operos.Storage.Tests;

/// <summary>The machine's secret in the record of a disk.</summary>
public sealed class TokenTests
{
    private const long Size = 16 << 20;
    private static readonly MachineToken Token = MachineToken.Of([.. Enumerable.Range(1, MachineToken.Length).Select(i => (byte)i)])!;

    [Fact]
    public void A_record_carries_it_and_no_text_of_it_does()
    {
        var image = new SparseImage(Size);
        var record = RecordTests.Record(DiskWork.Ready, size: Size) with { Token = Token };
        DiskRecordWriter.Write(image, record);
        Assert.Equal(record, DiskRecordWriter.Read(image).Current);
        Assert.Equal([.. Token.Bytes], [.. DiskRecordWriter.Read(image).Current!.Token!.Bytes]);
        Assert.DoesNotContain("0102", record.ToString().Replace("-", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains("a machine's token", record.ToString(), StringComparison.Ordinal);
        Assert.Null((record with { Token = null }).Token);
        foreach (var none in (byte[][])[[], new byte[32], new byte[33], [1, 2, 3]]) Assert.Null(MachineToken.Of(none));
    }

    [Fact]
    public void A_disk_is_made_to_carry_it_at_both_places_and_one_that_is_another_by_now_is_left_alone()
    {
        var path = Path.GetTempFileName();
        try
        {
            using (var file = File.Create(path)) file.SetLength(Size);
            var seen = RecordTests.Record(DiskWork.Ready, size: Size);
            using (var device = BlockDevice.OpenForWriting(path)) DiskRecordWriter.Write(new DeviceBytes(device), seen);
            var before = File.ReadAllBytes(path);
            // Another disk has its name, or its record was changed since it was looked at.
            foreach (var other in new[] { seen with { Disk = Guid.NewGuid() }, seen with { Sequence = 7 },
                seen with { Work = DiskWork.Wiping }, seen with { Machine = Guid.NewGuid() } })
                Assert.False(OwnRecords.Carry(path, other, Token, DateTimeOffset.UtcNow));
            Assert.Equal(before, File.ReadAllBytes(path));

            Assert.True(OwnRecords.Carry(path, seen, Token, DateTimeOffset.UtcNow));
            Assert.Equal((Token, Token, 2ul), Read(path));
            Assert.False(OwnRecords.Carry(path, seen, Token, DateTimeOffset.UtcNow));

            // It grew, and its record goes along.
            using (var file = File.OpenWrite(path)) file.SetLength(2 * Size);
            DiskRecord now;
            using (var look = BlockDevice.Open(path)) now = DiskRecordWriter.Read(new DeviceBytes(look)).Current!;
            Assert.True(OwnRecords.Carry(path, now, Token, DateTimeOffset.UtcNow));
            Assert.Equal((Token, Token, 3ul), Read(path));
        }
        finally { File.Delete(path); }
    }

    private static (MachineToken? First, MachineToken? Second, ulong Sequence) Read(string path)
    {
        using var look = BlockDevice.Open(path);
        var records = DiskRecordWriter.Read(new DeviceBytes(look));
        Assert.Equal(records.First.Record, records.Second.Record);
        return (records.First.Record!.Token, records.Second.Record!.Token, records.Current!.Sequence);
    }
}
