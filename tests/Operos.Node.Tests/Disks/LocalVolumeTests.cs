using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Operos.Proto;
using Operos.Worker.Disks;

namespace Operos.Node.Tests.Disks;

/// <summary>Folders for volumes, on real file systems in a process with mounts of its own.</summary>
public sealed class LocalVolumeTests : IDisposable
{
    private const string First = "5b0a6c1e-0000-4000-8000-000000000001", Second = "5b0a6c1e-0000-4000-8000-000000000002";
    private const string Volume = "pvc-0d2a9c0e-1111-4222-8333-444455556666", Every = "find volumes -name 'pvc-*' | sort";
    private readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>What a probe does in a namespace: <c>volume ROOT BYTES [PATH]</c>; without a path one is chosen.</summary>
    internal static string Ask(string root, long bytes, string? path)
    {
        var request = new MakeVolume { Volume = Volume, Bytes = bytes, OnlyChoose = path is null, Path = path };
        var volumes = new LocalVolumes(Path.Combine(root, "volumes"), NullLogger<LocalVolumes>.Instance);
        return volumes.AnswerAsync(request, default).GetAwaiter().GetResult() switch
        {
            VolumeMade made => Path.GetRelativePath(root, made.Path),
            Fault fault => $"{fault.Code}: {fault.Text}",
            var other => $"{other}",
        };
    }

    /// <summary>
    /// The answer to a request was lost, and when it is asked again the disk is away: no other disk gets a second folder.
    /// </summary>
    [Fact]
    public async Task A_volume_is_made_where_it_was_chosen_to_be_and_nowhere_else_however_often_it_is_asked()
    {
        var (place, made) = ($"volumes/{Second}", $"volumes/{Second}/{Volume}");
        var said = await MountSpace.RunAsync(folder.Path, Disk(First, "32M"), Disk(Second, "64M"),
            "volume {0} 1000000", Every, "echo -- chosen", $"volume {{0}} 1000000 {{0}}/{made}", Every, "echo -- made",
            $"umount {place}", $"volume {{0}} 1000000 {{0}}/{made}", Every, "echo -- away",
            $"mount -o loop {Second} {place}", $"volume {{0}} 1000000 {{0}}/{made}", "volume {0} 1000000", Every,
            $"volume {{0}} 1000000 {{0}}/volumes/{Volume}");
        Assert.Equal([made, "-- chosen", made, made, made + ".bytes", "-- made",
            $"busy: its disk {Second} is not mounted here now; nothing is on it of this volume yet: where the disk is gone for good, "
                + "delete the claim and make it again", "-- away",
            made, made, made, made + ".bytes", "bad-request: no volume may be there"], said);
    }

    [Fact]
    public async Task A_place_whose_room_is_gone_meanwhile_is_told_and_nothing_is_made_there()
    {
        var made = $"volumes/{First}/{Volume}";
        var said = await MountSpace.RunAsync(folder.Path, Disk(First, "32M"), "volume {0} 20000000",
            $"fallocate -l 16M volumes/{First}/other", $"volume {{0}} 20000000 {{0}}/{made}", Every);
        Assert.Equal([made, $"busy: its disk {First} has no room for 20000000 bytes any more: delete the claim and make it "
            + "again, or make room"], said);
    }

    [Fact]
    public async Task Images_and_logs_take_nothing_that_volumes_were_promised_and_volumes_are_promised_nothing_that_these_take()
    {
        var place = $"volumes/{First}";
        var said = await MountSpace.RunAsync(folder.Path, Disk(First, "4G"), $"volume {{0}} {1L << 30} {{0}}/{place}/{Volume}",
            $"mv {place}/{Volume} {place}/pvc-other; mv {place}/{Volume}.bytes {place}/pvc-other.bytes",
            $"df --output=size -B1 {place} | tail -1", "mkdir ephemeral", $"ephemeral-file {{0}} {place}",
            $"stat -c %s {place}/ephemeral.img", $"volume {{0}} {1600L << 20}", $"volume {{0}} {1300L << 20}");
        var (size, taken) = (long.Parse(said[1], CultureInfo.InvariantCulture), long.Parse(said[3], CultureInfo.InvariantCulture));
        Assert.Equal("made, Disk", said[2]);
        Assert.InRange(taken, (size - (1L << 30)) / 2 - (1 << 20), (size - (1L << 30)) / 2);
        Assert.Equal($"conflict: of 1 disks with volumes none has room for {1600L << 20} bytes", said[4]);
        Assert.Equal($"{place}/{Volume}", said[5]);
    }

    /// <summary>What a probe does in a namespace: <c>excess ROOT</c>.</summary>
    internal static string Measure(string root)
    {
        var volumes = new LocalVolumes(Path.Combine(root, "volumes"), NullLogger<LocalVolumes>.Instance);
        using var excess = new VolumeExcess(volumes, NullLogger<VolumeExcess>.Instance);
        return string.Join('\n', excess.MeasureAsync(default).GetAwaiter().GetResult().Values.DefaultIfEmpty("none"));
    }

    [Fact]
    public async Task A_volume_that_holds_more_than_its_claim_asked_for_is_named_when_its_disk_is_short_of_room()
    {
        var place = $"volumes/{First}";
        var said = await MountSpace.RunAsync(folder.Path, Disk(First, "128M"), $"volume {{0}} {8 << 20} {{0}}/{place}/{Volume}",
            $"mkdir {place}/pvc-modest; echo {60 << 20} > {place}/pvc-modest.bytes; fallocate -l 10M {place}/pvc-modest/a",
            $"mkdir '{place}/{Volume}/-x'; fallocate -l 32M '{place}/{Volume}/-x/b'", "excess {0}",
            $"fallocate -l 56M {place}/pvc-modest/c", "excess {0}");
        Assert.Equal([$"{place}/{Volume}", "none", $"volume {Volume} holds 32 MiB, and its claim asked for 8: its neighbours on the disk "
            + $"{First} have less"], said);
    }

    private static string Disk(string name, string size) =>
        $"truncate -s {size} {name}; mkfs.ext4 -q -m 0 {name}; mkdir -p volumes/{name}; mount -o loop {name} volumes/{name}";
}
