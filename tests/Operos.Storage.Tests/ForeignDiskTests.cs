using System.Security.Cryptography;
using Operos.Linux;
using Operos.Storage.Classes;
using Operos.Storage.Looks;
using Operos.Storage.Wipes;

namespace Operos.Storage.Tests;

/// <summary>
/// OSDs of three releases of Ceph, members of a ZFS pool and of arrays, each as its own program made it: known wherever a label of it
/// stands, never blank, unchanged by looking, and gone when it was wiped.
/// </summary>
public sealed class ForeignDiskTests(ForeignDisks disks) : IClassFixture<ForeignDisks>, IDisposable
{
    private const long MiB = 1L << 20;

    private readonly string folder = Directory.CreateTempSubdirectory("operos-foreign-").FullName;

    public static TheoryData<string> Files => new(ForeignDisk.All.Select(disk => disk.File));

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory, MemberData(nameof(Files))]
    public async Task A_disk_of_other_storage_is_known_at_each_of_its_labels_and_nothing_is_left_when_it_was_wiped(string file)
    {
        disks.Need(file);
        var disk = ForeignDisk.All.Single(disk => disk.File == file);
        var image = await CopyAsync(file, "whole");
        var bytes = new FileInfo(image).Length;
        var labels = disk.LabelsIn(await ForeignDisk.WrittenAsync(image));
        Assert.Equal(disk.Labels, labels.Count);
        Assert.Empty(labels.Except(disk.KnownLabels(bytes)));

        using var loop = LoopDevice.Attach(image, FileAccess.ReadWrite, disk.Sector, partitions: true, out var device);
        var before = await DigestAsync(image);
        var (verdict, told) = await LookAsync(device);
        Assert.Equal(before, await DigestAsync(image));
        Assert.True(verdict.Class == DiskClass.Foreign, told);
        Assert.All(verdict.Evidence.Signatures, signature => Assert.Equal(disk.Name, signature.Name));
        Assert.Equal(labels.Order(), verdict.Evidence.Signatures.Select(signature => signature.Offset / disk.Grain).Order());
        Assert.Equal(Math.Min(labels.Count, 6), verdict.Reasons.Count(reason => reason.StartsWith(disk.Name, StringComparison.Ordinal)));

        var order = new WipeOrder
        {
            Id = Guid.NewGuid(), Machine = Disks.Machine, Disk = DiskIdentity.Of(verdict.Evidence.Facts, null),
            Evidence = SeenEvidence.Of(verdict), Issued = DateTimeOffset.UtcNow, Expires = DateTimeOffset.UtcNow.AddMinutes(10),
        };
        await new DiskWiper(Disks.Policy, Path.Combine(folder, "orders"), TimeProvider.System)
            .WipeAsync(verdict, order, new Progress<long>(), LoopDisk.Cancellation);
        var (wiped, left) = await LookAsync(device);
        Assert.True(wiped.Class == DiskClass.Blank, left);
        Assert.Empty(disk.LabelsIn(await ForeignDisk.WrittenAsync(image)));
        Assert.Empty(await LoopDisk.ShellAsync($"wipefs --no-act {device}"));
    }

    [Theory, MemberData(nameof(Files))]
    public async Task A_part_of_it_and_what_wipefs_leaves_of_it_is_not_blank(string file)
    {
        disks.Need(file);
        var disk = ForeignDisk.All.Single(disk => disk.File == file);
        var image = await CopyAsync(file, "wiped");
        await LoopDisk.ShellAsync($"wipefs -a -q {image}");
        await NotBlankAsync(image, disk.Sector);

        // A label that is left is told by its name.
        image = await CopyAsync(file, "beheaded");
        await LoopDisk.ShellAsync($"dd if=/dev/zero of={image} bs=1M count=1 conv=notrunc status=none");
        if (disk.LabelsIn(await ForeignDisk.WrittenAsync(image)).Count > 0) Named(await NotBlankAsync(image, disk.Sector));
        image = await CopyAsync(file, "cut");
        var half = new FileInfo(image).Length / 2 / MiB * MiB;
        await LoopDisk.ShellAsync($"truncate -s {half} {image}");
        if (disk.LabelsIn(await ForeignDisk.WrittenAsync(image)).Count > 0) Named(await NotBlankAsync(image, disk.Sector));

        void Named(DiskVerdict verdict) =>
            Assert.Contains(verdict.Reasons, reason => reason.StartsWith(disk.Name, StringComparison.Ordinal));
    }

    private static async Task<DiskVerdict> NotBlankAsync(string image, int sector)
    {
        using var loop = LoopDevice.Attach(image, FileAccess.ReadWrite, sector, out var device);
        var (verdict, told) = await LookAsync(device);
        Assert.True(verdict.Class is DiskClass.Foreign or DiskClass.Doubtful, $"{image}: {told}");
        return verdict;
    }

    private async Task<string> CopyAsync(string file, string name)
    {
        var copy = Path.Combine(folder, name);
        await LoopDisk.ShellAsync($"cp --sparse=always {disks[file]} {copy}");
        return copy;
    }

    private static async Task<(DiskVerdict Verdict, string Told)> LookAsync(string device)
    {
        var facts = new DiskFactsReader().Find(Path.GetFileName(device))!;
        var verdict = DiskClassifier.Classify(await DiskLook.TakeAsync(device, facts, LoopDisk.Cancellation), Disks.Policy);
        return (verdict, $"{verdict.Class}: {string.Join("; ", verdict.Reasons)}");
    }

    private static async Task<string> DigestAsync(string image)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (offset, bytes) in await ForeignDisk.WrittenAsync(image))
        {
            hash.AppendData(BitConverter.GetBytes(offset));
            hash.AppendData(bytes);
        }
        return $"{File.GetLastWriteTimeUtc(image):O} {Convert.ToHexString(hash.GetHashAndReset())}";
    }
}
