using Microsoft.Win32.SafeHandles;
using Operos.Lab;
using Operos.Linux;

namespace Operos.Csi.Tests;

/// <summary>A loop device that stands as an image which the kernel has mapped, and the plugin before it.</summary>
internal sealed class MappedImage : IAsyncDisposable
{
    private readonly string root, said;
    private readonly SafeFileHandle loop;

    private MappedImage(string root, string said, SafeFileHandle loop, string device, Plugin plugin) =>
        (this.root, this.said, this.loop, Device, Plugin) = (root, said, loop, device, plugin);

    public string Device { get; }
    public Plugin Plugin { get; }
    public string? Number => BlockDevice.NumberOf(Device);

    /// <summary>
    /// Whether this host lets a mounted file system grow: not in every container (CAP_SYS_RESOURCE, bit 24 of capabilities(7)).
    /// </summary>
    public static bool GrowsInUse => (Convert.ToInt64(File.ReadLines("/proc/self/status")
        .Single(line => line.StartsWith("CapEff:", StringComparison.Ordinal))[7..].Trim(), 16) >> 24 & 1) != 0;

    /// <summary>How often it is mounted here.</summary>
    public int Mounts => MountTable.Read().Of(Number!).Count();

    /// <summary>Which number the kernel was told to let go; empty for none.</summary>
    public string LetGo => File.ReadAllText(Path.Combine(root, "bus/remove_single_major"));

    public static async Task<MappedImage> MakeAsync(string root, long bytes, string said)
    {
        var attributes = Directory.CreateDirectory(Path.Combine(root, "bus/devices/0")).FullName;
        foreach (var (name, text) in ((string, string)[])[("name", Plugin.Volume), ("pool", "kube"), ("current_snap", "-"),
            ("cluster_fsid", $"{TestGrants.Fsid}"), ("client_addr", "10.77.0.11:0/42"), ("refresh", "")])
            await File.WriteAllTextAsync(Path.Combine(attributes, name), text + "\n");
        await File.WriteAllTextAsync(Path.Combine(root, "bus/remove_single_major"), "");
        var file = Path.Combine(root, "image");
        await using (var image = File.Create(file)) image.SetLength(bytes);
        var loop = LoopDevice.Attach(file, FileAccess.ReadWrite, 512, out var device);
        Directory.CreateDirectory(Path.Combine(root, "dev"));
        File.CreateSymbolicLink(Path.Combine(root, "dev/rbd0"), device);
        return new MappedImage(root, said, loop, device, await Plugin.StartAsync(root));
    }

    /// <summary>As the kernel does when it is told to let the image go.</summary>
    public void LoseImage() => Directory.Delete(Path.Combine(root, "bus/devices/0"), recursive: true);

    public void Say(string text) => File.AppendAllText(said, $"{text}\n");

    /// <summary>Type and options of what is mounted at a path.</summary>
    public string MountOf(string path)
    {
        var words = File.ReadAllLines("/proc/self/mounts").Last(line => line.Split(' ')[1] == path).Split(' ');
        return $"{words[2]} {words[3]}";
    }

    /// <summary>As the pool's image does when somebody resizes it, and the kernel hears of it.</summary>
    public async Task GrowAsync(long bytes)
    {
        await using (var image = new FileStream(Path.Combine(root, "image"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            image.SetLength(bytes);
        await Shell.RunAsync("losetup", ["--set-capacity", Device], default);
    }

    public async Task<string> SumAsync() => (await Shell.RunAsync("sha256sum", [Device], default)).Split(' ')[0];

    public async ValueTask DisposeAsync()
    {
        await Plugin.DisposeAsync();
        loop.Dispose();
    }
}
