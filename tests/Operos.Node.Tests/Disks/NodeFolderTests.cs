using Operos.Worker.Disks;

namespace Operos.Node.Tests.Disks;

/// <summary>containerd's and the kubelet's folders, on a real ext4 in a process with mounts of its own.</summary>
public sealed class NodeFolderTests : IDisposable
{
    private readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>What a probe does in a namespace: <c>folders ROOT [close]</c>.</summary>
    internal static string Take(string root, bool close)
    {
        var folders = new NodeFolders(In(root));
        var before = folders.Place;
        if (close) folders.Close();
        try { return $"{before}, {(folders.Take() ? "taken" : "left")}, {folders.Place}"; }
        catch (IOException e) { return $"{before}, {e.GetType().Name}, {folders.Place}"; }
    }

    /// <summary>What a probe does in a namespace: <c>ephemeral-file ROOT PLACE</c>.</summary>
    internal static string MakeFile(string root, string place)
    {
        var folders = new NodeFolders(In(root));
        var mounts = new DiskMounts(In(root), folders, new DeviceNodes());
        try { mounts.MakeEphemeralFileAsync(Path.Combine(root, place), encrypt: false, default).GetAwaiter().GetResult(); }
        catch (IOException e) { return $"{e.Message}, {folders.Place}"; }
        return $"made, {folders.Place}";
    }

    private static DiskPaths In(string root) => new()
    {
        Ephemeral = Path.Combine(root, "ephemeral"),
        Folders = [.. new DiskPaths().Folders.Select(folder => folder with { Path = Path.Combine(root, folder.Name) })],
    };

    [Fact]
    public async Task They_are_put_onto_a_disk_and_an_agent_that_begins_anew_finds_them_there()
    {
        var said = await InAsync("", "folders {0}", "touch {0}/containerd/x; ls {0}/ephemeral/containerd; "
            + "stat -c '%a' {0}/containerd {0}/kubelet {0}/pod-logs", "folders {0}", "grep -c {0}/kubelet /proc/self/mountinfo");
        Assert.Equal(["Open, taken, Disk", "x", "711", "750", "755", "Disk, taken, Disk", "1"], said);
    }

    [Fact]
    public async Task One_that_was_cut_between_two_of_them_is_completed()
    {
        var said = await InAsync("mkdir -p {0}/containerd {0}/ephemeral/containerd; mount --bind {0}/ephemeral/containerd {0}/containerd",
            "folders {0}", "stat -f -c %T {0}/kubelet");
        Assert.Equal(["Disk, taken, Disk", "ext2/ext3"], said);
    }

    [Fact]
    public async Task Where_containerd_runs_in_RAM_they_stay_there()
    {
        var said = await InAsync("mkdir -p {0}/containerd; mount -t tmpfs none {0}/containerd", "folders {0}",
            "stat -f -c %T {0}/containerd; ls {0}/kubelet 2>/dev/null || echo none");
        Assert.Equal(["Ram, left, Ram", "tmpfs", "none"], said);
    }

    [Fact]
    public async Task A_disk_that_comes_after_the_node_began_is_too_late() =>
        Assert.Equal(["Open, left, Ram"], await InAsync("", "folders {0} close", ""));

    [Fact]
    public async Task Where_one_cannot_be_mounted_none_is()
    {
        var said = await InAsync("touch {0}/kubelet", "folders {0}", "grep -c {0}/containerd /proc/self/mountinfo || true");
        Assert.Equal(["Open, IOException, Open", "0"], said);
    }

    /// <summary>The disk that had them is lost; what is left of the others' room stays theirs.</summary>
    [Fact]
    public async Task Without_a_partition_for_them_they_are_in_a_file_that_takes_half_of_the_room_among_the_volumes()
    {
        const string Make = "umount ephemeral; truncate -s 3G big; mkfs.ext4 -q big; mkdir volumes; mount -o loop big volumes";
        const string Free = "df --output=avail -B1M volumes | tail -1";
        var said = await InAsync(Make, Free, "ephemeral-file {0} volumes", "stat -c '%s %b' volumes/ephemeral.img",
            "stat -f -c %T {0}/containerd", Free, "umount {0}/containerd {0}/kubelet {0}/pod-logs {0}/ephemeral",
            "losetup --noheadings --output BACK-FILE --associated volumes/ephemeral.img");
        var free = long.Parse(said[0], System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal("made, Disk", said[1]);
        var size = said[2].Split(' ').Select(number => long.Parse(number, System.Globalization.CultureInfo.InvariantCulture)).ToList();
        // df rounds up.
        Assert.InRange(size[0] >> 20, free / 2 - 1, free / 2);
        Assert.True(size[1] * 512 >= size[0], "its room is taken at once, whoever fills the disk later");
        Assert.Equal("ext2/ext3", said[3]);
        Assert.InRange(long.Parse(said[4], System.Globalization.CultureInfo.InvariantCulture), free / 2 - 64, free / 2 + 1);
        // Its loop device goes with its last user.
        Assert.Equal(5, said.Length);
    }

    [Fact]
    public async Task Where_there_is_too_little_room_for_such_a_file_that_is_told_and_none_is_left()
    {
        var said = await InAsync("umount ephemeral; truncate -s 1G big; mkfs.ext4 -q big; mkdir volumes; mount -o loop big volumes",
            "ephemeral-file {0} volumes", "ls volumes");
        Assert.Matches("^half of what is free at .*/volumes and promised to no volume is [0-9]+ MiB: too little for images and logs, Open$",
            said[0]);
        Assert.Equal("lost+found", Assert.Single(said[1..]));
    }

    /// <summary>Shell and probe take turns beside a disk; what all of it prints, by lines.</summary>
    private Task<string[]> InAsync(string before, params string[] steps) => MountSpace.RunAsync(folder.Path,
        ["truncate -s 16M disk; mkfs.ext4 -q disk; mkdir ephemeral; mount -o loop disk ephemeral", before, .. steps]);
}
