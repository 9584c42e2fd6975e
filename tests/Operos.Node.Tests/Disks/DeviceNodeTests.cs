using Operos.Lab;
using Operos.Storage.Looks;
using Operos.Worker.Disks;

namespace Operos.Node.Tests.Disks;

/// <summary>
/// Which disks a machine may touch: a kernel shows those of the host to every container on it, and none of them is a worker's.
/// </summary>
public sealed class DeviceNodeTests : IDisposable
{
    private readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_disk_without_a_node_of_its_number_in_our_dev_is_somebody_elses()
    {
        // Numbers that no driver has: nothing is behind them.
        foreach (var (name, number) in new[] { ("sda", "250:250"), ("sdb", "250:251"), ("sdc", "250:252"), ("rbd0", "250:253") })
            Write($"sys/block/{name}/dev", number);
        Directory.CreateDirectory(InFolder("dev"));
        await Shell.RunAsync("mknod", [InFolder("dev/sda"), "b", "250", "250"], default);
        await Shell.RunAsync("mknod", [InFolder("dev/sdb"), "b", "250", "99"], default);
        await Shell.RunAsync("mknod", [InFolder("dev/rbd0"), "b", "250", "253"], default);
        File.WriteAllText(InFolder("dev/sdd"), "");
        var nodes = new DeviceNodes(folder.Path);
        Assert.True(nodes.IsHere(Disk("sda")));
        Assert.False(nodes.IsHere(Disk("sdb")), "its node is another device's");
        Assert.False(nodes.IsHere(Disk("sdc")), "it has no node");
        Assert.False(nodes.IsHere(Disk("sdd")), "a file is no disk");
        Assert.Null(nodes.Foreign);
        Assert.True(nodes.IsDisk(Disk("sda")));
        Assert.True(nodes.IsHere(Disk("rbd0")));
        Assert.False(nodes.IsDisk(Disk("rbd0")), "a volume is a pod's");
        Assert.DoesNotContain("rbd0", nodes.Signature(), StringComparison.Ordinal);
        Assert.False(nodes.IsDisk(Disk("sda") with { Transport = Transport.File }), "a layer's image is no disk");
        Write("sys/block/sda/dm/name", "operos-ephemeral");
        Assert.False(nodes.IsDisk(Disk("sda")), "we made it of a disk");
        Assert.False(nodes.IsDisk(Disk("sdb")));
    }

    [Fact]
    public void In_a_container_no_disk_is_ours()
    {
        Write("run/systemd/container", "systemd-nspawn\u001b[31m");
        var reason = new DeviceNodes(folder.Path).Foreign;
        Assert.StartsWith("this machine is a container (systemd-nspawn", reason, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', reason!);
    }

    [Fact]
    public void A_disk_that_comes_goes_or_grows_is_news_and_what_is_made_of_it_is_none()
    {
        var nodes = new DeviceNodes(folder.Path);
        Assert.Equal("", nodes.Signature());
        Write("sys/block/sda/size", "100");
        var one = nodes.Signature();
        Write("sys/block/dm-0/size", "50");
        Write("sys/block/loop0/size", "50");
        Assert.Equal(one, nodes.Signature());
        Write("sys/block/sda/size", "200");
        Assert.NotEqual(one, nodes.Signature());
        Write("sys/block/sda/size", "100");
        Write("sys/block/sdb/size", "100");
        Assert.NotEqual(one, nodes.Signature());
        // Another disk in its place, of the same name and size.
        Directory.Delete(InFolder("sys/block/sdb"), recursive: true);
        Write("sys/block/sda/diskseq", "7");
        Assert.NotEqual(one, nodes.Signature());
    }

    [Fact]
    public void What_is_made_of_a_disk_that_was_pulled_is_not_there()
    {
        var nodes = new DeviceNodes(folder.Path);
        Assert.False(nodes.IsThere("8:17"));
        Write("sys/dev/block/8:17/dev", "8:17");
        Assert.True(nodes.IsThere("8:17"));
        Write("sys/dev/block/253:0/dm/name", "operos-ephemeral");
        Directory.CreateDirectory(InFolder("sys/dev/block/253:0/slaves"));
        var part = InFolder("sys/dev/block/253:0/slaves/sdb1");
        Directory.CreateSymbolicLink(part, InFolder("sys/dev/block/8:17"));
        Assert.True(nodes.IsThere("253:0"));
        Directory.Delete(InFolder("sys/dev/block/8:17"), recursive: true);
        Assert.False(nodes.IsThere("253:0"));
        File.Delete(part);
        Assert.False(nodes.IsThere("253:0"));
    }

    [Fact]
    public void What_is_made_of_a_file_whose_disk_was_pulled_is_not_there()
    {
        var nodes = new DeviceNodes(folder.Path);
        Write("volumes/ephemeral.img", "");
        Write("sys/dev/block/7:0/loop/backing_file", InFolder("volumes/ephemeral.img"));
        Write("sys/dev/block/253:0/dm/name", "operos-ephemeral");
        Directory.CreateDirectory(InFolder("sys/dev/block/253:0/slaves"));
        Directory.CreateSymbolicLink(InFolder("sys/dev/block/253:0/slaves/loop0"), InFolder("sys/dev/block/7:0"));
        Assert.Equal((true, true), (nodes.IsThere("7:0"), nodes.IsThere("253:0")));
        // As the kernel tells it once its file system is mounted nowhere.
        Write("sys/dev/block/7:0/loop/backing_file", "/ephemeral.img");
        Assert.Equal((false, false), (nodes.IsThere("7:0"), nodes.IsThere("253:0")));
    }

    private static DiskFacts Disk(string name) => new() { Name = name };

    private void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(InFolder(path))!);
        File.WriteAllText(InFolder(path), text + "\n");
    }

    private string InFolder(string path) => Path.Combine(folder.Path, path);
}
