using System.Globalization;
using System.Security.Cryptography;
using Operos.Linux;
using Operos.Linux.Programs;
using Operos.Storage.Classes;
using Operos.Storage.Looks;

namespace Operos.Storage.Tests;

/// <summary>
/// What real programs make: it is known by name, whole or half wiped it is never blank, and looking changes none of its bytes.
/// </summary>
public sealed class RealImageTests : IDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    private readonly string folder = Directory.CreateTempSubdirectory("operos-disk-").FullName;

    private string Image => Path.Combine(folder, "disk");

    public static TheoryData<string> Images => new(RealImage.All.Select(image => image.Name));

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory, MemberData(nameof(Images))]
    public async Task A_real_image_is_known_and_is_not_blank_when_it_was_wiped_by_wipefs(string name)
    {
        var image = RealImage.All.Single(image => image.Name == name);
        await ShellAsync($"truncate -s {image.Mebibytes}M $D; {image.Make}");

        var (whole, told) = await LookAsync();
        Assert.True(whole.Class == DiskClass.Foreign, told);
        foreach (var times in image.Names.CountBy(signature => signature))
            Assert.True(whole.Evidence.Signatures.Count(signature => signature.Name == times.Key) >= times.Value, $"{times}: {told}");
        // Whatever another tool finds is found here, in the same block.
        foreach (var offset in await WipefsAsync())
            Assert.True(whole.Evidence.Signatures.Any(signature => signature.At / 4096 == offset / 4096), $"wipefs finds {offset}: {told}");

        // A part of it, as of a copy that was cut.
        if (image.OutlivesACut)
        {
            await ShellAsync("cp --sparse=always $D $D.cut; truncate -s 32M $D.cut");
            var (cut, saidOfCut) = await LookAsync(Image + ".cut");
            Assert.True(cut.Class != DiskClass.Blank, saidOfCut);
        }
        if (image.OutlivesItsFirstMebibyte)
        {
            await ShellAsync("cp --sparse=always $D $D.head; dd if=/dev/zero of=$D.head bs=1M count=1 conv=notrunc status=none");
            var (beheaded, saidOfHead) = await LookAsync(Image + ".head");
            Assert.True(beheaded.Class != DiskClass.Blank, saidOfHead);
        }
        await ShellAsync("wipefs -a -q $D");
        var (wiped, saidOfWiped) = await LookAsync();
        Assert.True(wiped.Class != DiskClass.Blank || image.Names is ["boot sector"], saidOfWiped);

        await ShellAsync($"rm $D; truncate -s {image.Mebibytes}M $D");
        Assert.Equal(DiskClass.Blank, (await LookAsync()).Verdict.Class);
    }

    [Theory]
    [InlineData(512, "sgdisk -n 1:0:0 $L", "GPT")]
    [InlineData(4096, "sgdisk -n 1:0:0 $L", "GPT")]
    [InlineData(4096, "mkfs.ext4 -q -F $L", "ext2/3/4")]
    [InlineData(4096, "mkfs.xfs -q -f $L", "XFS")]
    [InlineData(4096, "mkfs.vfat -F 32 $L", "FAT")]
    [InlineData(4096, "mkfs.exfat $L", "exFAT")]
    [InlineData(512, Pvcreate, "LVM2")]
    [InlineData(4096, Pvcreate, "LVM2")]
    [InlineData(512, Pvcreate + " --labelsector 3", "LVM2")]
    public async Task On_a_real_block_device_of_either_sector_size_it_is_known_too(int sector, string make, string name)
    {
        await ShellAsync(make.StartsWith("mkfs.xfs", StringComparison.Ordinal) ? "truncate -s 320M $D" : "truncate -s 64M $D");
        using var device = LoopDevice.Attach(Image, FileAccess.ReadWrite, sector, out var path);
        Assert.Equal(DiskClass.Blank, (await LookAsync(path, sector)).Verdict.Class);
        await ShellAsync(make, ("L", path));
        var (verdict, told) = await LookAsync(path, sector);
        Assert.True(verdict.Class == DiskClass.Foreign, told);
        Assert.Contains(verdict.Evidence.Signatures, signature => signature.Name == name);
        Assert.Equal(sector, verdict.Evidence.Facts.LogicalSector);
        if (name != "GPT") return;
        Assert.All(verdict.Evidence.Tables, table => Assert.Equal(sector, table.Sector));
        Assert.Equal(2, verdict.Evidence.Tables.Count);

        // The same bytes on a disk of other sectors.
        var (elsewhere, saidElsewhere) = await LookAsync(Image, sector == 512 ? 4096 : 512);
        Assert.True(elsewhere.Class == DiskClass.Foreign, saidElsewhere);
        Assert.Contains($"was written for sectors of {sector} bytes", saidElsewhere, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Looking_at_a_device_claims_nothing_and_a_claimed_or_missing_one_is_told()
    {
        await ShellAsync("truncate -s 64M $D; mkfs.ext4 -q -F $D");
        using var device = LoopDevice.Attach(Image, FileAccess.ReadWrite, 512, out var path);
        using (var claimed = BlockDevice.OpenForWriting(path))
        {
            Assert.Equal(DiskClass.Foreign, (await LookAsync(path)).Verdict.Class);
            // Who claims it keeps others from claiming, not from looking.
            Assert.Equal(Errno.EBUSY, Assert.Throws<LinuxException>(() => BlockDevice.OpenForWriting(path)).Errno);
        }
        var missing = await DiskLook.TakeAsync(Path.Combine(folder, "none"), Disks.Facts(0), CancellationToken.None);
        Assert.Equal(DiskClass.Doubtful, DiskClassifier.Classify(missing, Disks.Policy).Class);
        var folderLook = await DiskLook.TakeAsync(folder, Disks.Facts(0), CancellationToken.None);
        Assert.Contains("neither a block device nor a file", folderLook.GivenUp, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_record_is_written_to_a_real_device_and_read_back_past_the_page_cache()
    {
        const long bytes = 64L << 20;
        await ShellAsync("truncate -s 64M $D");
        using var loop = LoopDevice.Attach(Image, FileAccess.ReadWrite, 4096, out var path);
        using (var device = BlockDevice.OpenForWriting(path))
            Records.DiskRecordWriter.Write(new DeviceBytes(device), RecordTests.Record(Records.DiskWork.Claimed, size: bytes));
        var (verdict, told) = await LookAsync(path, 4096);
        Assert.True(verdict.Class == DiskClass.UnfinishedOurs, told);
        Assert.Equal(RecordTests.Record(Records.DiskWork.Claimed, size: bytes), verdict.Record);
    }

    private const string Pvcreate = "pvcreate -q -ff -y --config 'devices{use_devicesfile=0 scan=\"/dev\"} global{locking_type=0}' $L";

    /// <summary>Looks, and makes sure that no byte was changed by it.</summary>
    private async Task<(DiskVerdict Verdict, string Told)> LookAsync(string? path = null, int sector = 512)
    {
        path ??= Image;
        var before = (Digest(path), File.GetLastWriteTimeUtc(path));
        var facts = new DiskFacts { Name = Path.GetFileName(path), LogicalSector = sector, Transport = Transport.File };
        var verdict = DiskClassifier.Classify(await DiskLook.TakeAsync(path, facts, TestContext.Current.CancellationToken), Disks.Policy);
        Assert.Equal(before, (Digest(path), File.GetLastWriteTimeUtc(path)));
        var found = string.Join(", ", verdict.Evidence.Signatures);
        return (verdict, $"{path}: {verdict.Class}: {string.Join("; ", verdict.Reasons)}; {found}");
    }

    private static string Digest(string path)
    {
        // Most of an image is zeros: those are counted, not hashed.
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var (chunk, at) = (new byte[1 << 20], 0L);
        for (int read; (read = RandomAccess.Read(file, chunk, at)) > 0; at += read)
        {
            if (!chunk.AsSpan(0, read).ContainsAnyExcept((byte)0)) continue;
            hash.AppendData(BitConverter.GetBytes(at));
            hash.AppendData(chunk, 0, read);
        }
        return $"{at} {Convert.ToHexString(hash.GetHashAndReset())}";
    }

    /// <summary>Where wipefs(8) finds signatures.</summary>
    private async Task<List<long>> WipefsAsync() => [.. (await ShellAsync("wipefs --no-act --noheadings -O OFFSET $D")).Split('\n')
        .Select(line => line.Trim()).Where(line => line.StartsWith("0x", StringComparison.Ordinal))
        .Select(line => long.Parse(line[2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture))];

    private async Task<string> ShellAsync(string script, params (string Name, string Value)[] variables)
    {
        var set = string.Concat(variables.Prepend(("D", Image)).Prepend(("F", folder)).Select(entry => $"{entry.Item1}='{entry.Item2}'; "));
        var result = await ProgramCall.RunAsync("/bin/sh", ["-ec", $"PATH=$PATH:/usr/sbin:/sbin; export LC_ALL=C; {set}{script}"],
            TestContext.Current.CancellationToken, longest: Longest);
        Assert.True(result.Code == 0, $"{script}: {result.Errors}{result.Output}");
        return result.Output;
    }
}
