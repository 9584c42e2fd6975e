using System.Text.Json;
using Operos.Storage.Classes;
using Operos.Storage.Looks;
using Operos.Storage.Records;
using Operos.Storage.Reports;

namespace Operos.Storage.Tests;

/// <summary>What a machine tells of its disks.</summary>
public sealed class ReportTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("operos-report-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Images_are_judged_side_by_side_and_told_as_JSON()
    {
        Make("blank", file => { });
        Make("xfs", file => file.Write("XFSB"u8));
        Make("torn", file =>
        {
            file.Position = DiskRecord.PlacesOn(file.Length)[0];
            file.Write(RecordTests.Record(DiskWork.Claimed).ToBytes(0).AsSpan(0, 100));
        });
        Make("copy", file => WriteRecord(file));
        Make("original", file => WriteRecord(file));
        string[] names = ["blank", "xfs", "torn", "copy", "original", "none"];
        var verdicts = await MachineDisks.LookAsync(Disks.Policy, [.. names.Select(name => Path.Combine(folder, name))],
            TestContext.Current.CancellationToken);
        Assert.Equal([DiskClass.Blank, DiskClass.Foreign, DiskClass.UnfinishedOurs, DiskClass.Doubtful, DiskClass.Doubtful,
            DiskClass.Doubtful], verdicts.Select(verdict => verdict.Class));

        using var json = JsonDocument.Parse(DiskReport.ToJson([.. verdicts.Select(DiskReport.Of)]));
        var told = json.RootElement.EnumerateArray().ToList();
        Assert.Equal(names, told.Select(disk => disk.GetProperty("name").GetString()));
        Assert.Equal(["blank", "foreign", "unfinished-ours", "doubtful", "doubtful", "doubtful"],
            told.Select(disk => disk.GetProperty("class").GetString()));
        Assert.Equal("XFS", told[1].GetProperty("signatures")[0].GetProperty("name").GetString());
        Assert.Equal($"{Disks.Machine}", told[3].GetProperty("machine").GetString());
        Assert.All(told, disk => Assert.NotEqual(0, disk.GetProperty("reasons").GetArrayLength()));
    }

    [Fact]
    public async Task This_machine_s_own_disks_are_looked_at_and_none_that_is_mounted_is_blank()
    {
        var verdicts = await MachineDisks.LookAsync(Disks.Policy, [], TestContext.Current.CancellationToken);
        Assert.All(verdicts, verdict => Assert.NotEmpty(verdict.Reasons));
        Assert.All(verdicts.Where(verdict => verdict.Evidence.Facts.Uses.Count > 0),
            verdict => Assert.Equal(DiskClass.InUse, verdict.Class));
        // What is never used is not even opened.
        Assert.All(verdicts.Where(verdict => verdict.Evidence.Facts.Transport is Transport.Network or Transport.Stacked),
            verdict => Assert.Equal(0, verdict.Evidence.BytesRead));
    }

    private static void WriteRecord(FileStream file)
    {
        var record = RecordTests.Record(DiskWork.Claimed, size: file.Length);
        var places = DiskRecord.PlacesOn(file.Length);
        for (var copy = 0; copy < 2; copy++)
        {
            file.Position = places[copy];
            file.Write(record.ToBytes(copy));
        }
    }

    private void Make(string name, Action<FileStream> write)
    {
        using var file = File.Create(Path.Combine(folder, name));
        file.SetLength(64 << 20);
        write(file);
    }
}
