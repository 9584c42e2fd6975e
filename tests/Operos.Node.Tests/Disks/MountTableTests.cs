using Operos.Linux;
using CsCheck;
using Operos.Worker.Disks;

namespace Operos.Node.Tests.Disks;

/// <summary>What the kernel tells of mounts, whose places are anybody's text.</summary>
public sealed class MountTableTests : IDisposable
{
    private readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void What_is_mounted_last_at_a_place_is_seen_there()
    {
        var table = Read("22 1 0:20 / / rw - overlay overlay rw", "30 22 0:31 / /var/lib/containerd rw shared:4 - tmpfs tmpfs rw,size=9k",
            @"31 22 253:0 /containerd /var/lib/containerd rw,noatime shared:5 - ext4 /dev/mapper/operos-ephemeral rw",
            @"32 22 8:17 / /mnt/two\040words\134 rw - ext4 /dev/sdb1 rw", "33 22 0:40 / /half");
        Assert.Equal(new MountPoint("253:0", "/containerd", "/var/lib/containerd", "ext4"), table.At("/var/lib/containerd"));
        Assert.True(table.IsOnDisk("/var/lib/containerd"));
        Assert.Equal("8:17", table.At(@"/mnt/two words\")?.Device);
        Assert.Null(table.At("/var/lib"));
        Assert.Null(table.At("/half"));
        Assert.Equal(2, table.Below("/var/lib").Count());
    }

    [Fact]
    public void RAM_is_no_disk() => Assert.False(Read("30 22 0:31 / /a rw - tmpfs tmpfs rw").IsOnDisk("/a"));

    [Fact]
    public void No_line_stops_the_reading()
    {
        var anything = Gen.Char[' ', '~'].Array[0, 60];
        var escapes = Gen.Int[0, 4].Select(index => " -\\0/"[index]).Array[0, 40];
        Gen.OneOf(anything, escapes).Select(text => new string(text)).Array[0, 5].Sample(lines =>
            Read([.. lines, "30 22 0:31 / /known rw - ext4 /dev/x rw"]).At("/known") is { Type: "ext4" }, iter: 200, threads: 1);
    }

    private MountTable Read(params string[] lines)
    {
        var path = Path.Combine(folder.Path, "mountinfo");
        File.WriteAllLines(path, lines);
        return MountTable.Read(path);
    }
}
