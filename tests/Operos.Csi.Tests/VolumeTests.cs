using System.Globalization;
using System.Runtime.CompilerServices;
using Operos.Csi.Protocol;
using Operos.Lab;

namespace Operos.Csi.Tests;

/// <summary>
/// What becomes of a volume that is mapped: real file systems and mounts on a loop device, in a process with mounts of its own. A host that
/// tests run on has no kernel's client of images: its folder in sysfs is one of files here, in which an image stands as mapped. Mapping
/// itself is tried in guests.
/// </summary>
public sealed class VolumeTests : IDisposable
{
    private const string Variable = "OPEROS_CSI_VOLUMES", Said = "said";
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("operos-csi-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task A_blank_image_gets_a_file_system_is_shown_to_pods_grows_and_is_let_go() => Assert.Equal(
    [
        "staged: ext4 rw,nosuid,nodev,noatime,discard", "again: one mount", "shown: kept", "read-only: Read-only file system",
        "room: all of 10 is written, of 256 MiB", "in use: FailedPrecondition: volume VOLUME is mounted at TARGET still",
        MappedImage.GrowsInUse ? "grown to 384 MiB: True" : "not grown: Internal", "let go: 0, no mounts",
        "asked: take, tell 10.77.0.11:0/42, take, tell 10.77.0.11:0/42, return",
    ], await InAsync(async image =>
    {
        var plugin = image.Plugin;
        await plugin.Node.NodeStageVolumeAsync(plugin.Stage());
        image.Say($"staged: {image.MountOf(plugin.Staging)}");
        await plugin.Node.NodeStageVolumeAsync(plugin.Stage());
        image.Say($"again: {(image.Mounts == 1 ? "one mount" : $"{image.Mounts} mounts")}");
        await plugin.Node.NodePublishVolumeAsync(plugin.Publish());
        await plugin.Node.NodePublishVolumeAsync(plugin.Publish());
        await File.WriteAllTextAsync(Path.Combine(plugin.Target, "data"), "kept");
        image.Say($"shown: {await File.ReadAllTextAsync(Path.Combine(plugin.Staging, "data"))}");
        await plugin.Node.NodeUnpublishVolumeAsync(plugin.Unpublish);
        await plugin.Node.NodePublishVolumeAsync(plugin.Publish(isReadOnly: true));
        var refused = Assert.Throws<IOException>(() => File.WriteAllText(Path.Combine(plugin.Target, "more"), "x"));
        image.Say($"read-only: {(refused.Message.Contains("Read-only file system", StringComparison.Ordinal)
            ? "Read-only file system" : refused.Message)}");
        var bytes = new byte[10 << 20];
        Random.Shared.NextBytes(bytes);
        await File.WriteAllBytesAsync(Path.Combine(plugin.Staging, "large"), bytes);
        var stats = await plugin.Node.NodeGetVolumeStatsAsync(
            new NodeGetVolumeStatsRequest { VolumeId = Plugin.Volume, VolumePath = plugin.Target });
        var room = stats.Usage.Single(usage => usage.Unit == VolumeUsage.Types.Unit.Bytes);
        Assert.InRange(stats.Usage.Single(usage => usage.Unit == VolumeUsage.Types.Unit.Inodes).Used, 3, 100);
        image.Say($"room: {(room.Used > 10 << 20 ? "all" : "a part")} of 10 is written, of "
            + $"{(room.Total is > 200 << 20 and < 256 << 20 ? 256 : room.Total)} MiB");
        image.Say($"in use: {await Plugin.RefusalAsync(plugin.Node.NodeUnstageVolumeAsync(plugin.Unstage))}");
        await image.GrowAsync(384L << 20);
        var expand = new NodeExpandVolumeRequest
            { VolumeId = Plugin.Volume, VolumePath = plugin.Target, CapacityRange = new() { RequiredBytes = 384L << 20 } };
        if (MappedImage.GrowsInUse)
        {
            var grown = (await plugin.Node.NodeExpandVolumeAsync(expand)).CapacityBytes >> 20;
            var isSeen = new DriveInfo(plugin.Target).TotalSize > 300L << 20;
            image.Say(string.Create(CultureInfo.InvariantCulture, $"grown to {grown} MiB: {isSeen}"));
        }
        else image.Say($"not grown: {(await Plugin.RefusalAsync(plugin.Node.NodeExpandVolumeAsync(expand))).Split(':')[0]}");
        await plugin.Node.NodeUnpublishVolumeAsync(plugin.Unpublish);
        Assert.False(Directory.Exists(plugin.Target));
        await plugin.Node.NodeUnstageVolumeAsync(plugin.Unstage);
        image.Say($"let go: {image.LetGo}, {(image.Mounts == 0 ? "no mounts" : $"{image.Mounts} mounts")}");
        image.Say("asked: " + string.Join(", ", plugin.Grants.Asked).Replace(" " + Plugin.Volume, "", StringComparison.Ordinal));
    }));

    [Fact]
    public async Task A_device_is_shown_as_a_file() => Assert.Equal(["a device: True", "let go: 0"], await InAsync(async image =>
    {
        var plugin = image.Plugin;
        await plugin.Node.NodeStageVolumeAsync(plugin.Stage(Plugin.Device));
        await plugin.Node.NodePublishVolumeAsync(plugin.Publish(capability: Plugin.Device));
        image.Say($"a device: {Operos.Linux.BlockDevice.NumberOf(plugin.Target) == image.Number}");
        await plugin.Node.NodeUnpublishVolumeAsync(plugin.Unpublish);
        await plugin.Node.NodeUnstageVolumeAsync(plugin.Unstage);
        Assert.False(File.Exists(plugin.Target));
        image.Say($"let go: {image.LetGo}");
    }));

    [Fact]
    public async Task Each_controller_that_connects_is_told_what_is_mapped_and_not_what_was_let_go() => Assert.Equal(
        ["asked: take, tell 10.77.0.11:0/42, tell 10.77.0.11:0/42, tell 10.77.0.11:0/42, return"], await InAsync(async image =>
    {
        var plugin = image.Plugin;
        await plugin.Node.NodeStageVolumeAsync(plugin.Stage());
        // A connection, and one to a controller that was put back from a backup; neither is told twice.
        for (var tells = 2; tells <= 3; tells++)
        {
            plugin.Grants.Session = new object();
            await Wait.UntilAsync("it is told", TimeSpan.FromSeconds(60), () => Task.FromResult(Tells() == tells));
        }
        await plugin.Node.NodeUnstageVolumeAsync(plugin.Unstage);
        image.LoseImage();
        plugin.Grants.Session = new object();
        await Task.Delay(TimeSpan.FromSeconds(11));
        image.Say("asked: " + string.Join(", ", plugin.Grants.Asked).Replace(" " + Plugin.Volume, "", StringComparison.Ordinal));

        int Tells() => plugin.Grants.Asked.Count(one => one.StartsWith("tell", StringComparison.Ordinal));
    }));

    [Fact]
    public Task An_image_with_data_of_no_form_is_left_as_it_is() => IsLeftAsync(
        "dd if=/dev/urandom of=$IMAGE bs=1M seek=40 count=1 conv=notrunc", "it holds data of no form that is known, at 40");

    [Fact]
    public Task An_image_that_is_used_in_another_way_is_left_as_it_is() => IsLeftAsync("mkswap -q $IMAGE", "swap");

    [Fact]
    public Task An_image_whose_first_superblock_is_lost_is_left_as_it_is() =>
        IsLeftAsync("mkfs.ext4 -q $IMAGE; dd if=/dev/zero of=$IMAGE bs=4k count=1 conv=notrunc", "ext2/3/4 at ");

    /// <summary>Not a byte is changed.</summary>
    private async Task IsLeftAsync(string make, string found, [CallerMemberName] string test = "")
    {
        var said = await InAsync(async image =>
        {
            await Shell.RunAsync("sh", ["-ec", make.Replace("$IMAGE", image.Device, StringComparison.Ordinal)], default);
            var before = await image.SumAsync();
            image.Say(await Plugin.RefusalAsync(image.Plugin.Node.NodeStageVolumeAsync(image.Plugin.Stage())));
            image.Say($"the same: {await image.SumAsync() == before}");
        }, test);
        Assert.StartsWith($"Internal: kube/VOLUME is neither blank nor has it a file system of ours ({found}", said[0],
            StringComparison.Ordinal);
        Assert.Equal("the same: True", said[1]);
    }

    /// <summary>Runs it in a namespace of mounts.</summary>
    /// <returns>What it said.</returns>
    private async Task<string[]> InAsync(Func<MappedImage, Task> act, [CallerMemberName] string test = "")
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var root = Environment.GetEnvironmentVariable(Variable);
        if (root is not null)
        {
            await using var image = await MappedImage.MakeAsync(root, 256L << 20, Path.Combine(root, Said));
            await act(image);
        }
        else
        {
            root = folder.FullName;
            var program = Environment.ProcessPath!;
            string[] self = program.EndsWith("dotnet", StringComparison.Ordinal)
                ? [program, typeof(VolumeTests).Assembly.Location] : [program];
            await Shell.RunAsync("unshare", ["--mount", "--propagation", "private", "env", $"{Variable}={root}", .. self, "-noColor",
                "-method", $"*{nameof(VolumeTests)}.{test}"], cancellationToken, patience: TimeSpan.FromMinutes(2));
        }
        var said = await File.ReadAllTextAsync(Path.Combine(root, Said), cancellationToken);
        return said.Replace(Plugin.TargetIn(Path.Combine(root, "kubelet")), "TARGET", StringComparison.Ordinal)
            .Replace(Plugin.Volume, "VOLUME", StringComparison.Ordinal).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
