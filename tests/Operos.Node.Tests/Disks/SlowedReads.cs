using System.Globalization;
using Operos.Lab;
using Operos.Linux;

namespace Operos.Node.Tests.Disks;

/// <summary>Reads of block devices that take long for this process, by a control group of its own (blkio of version 1, io of 2).</summary>
internal sealed class SlowedReads : IDisposable
{
    private const string First = "/sys/fs/cgroup/blkio", Second = "/sys/fs/cgroup";
    private static readonly bool IsFirst = Directory.Exists(First);
    private static readonly string Root = IsFirst ? First : Second;
    private readonly string group;
    private readonly List<string> devices = [];

    /// <param name="name">Of the group.</param>
    public SlowedReads(string name)
    {
        group = Path.Combine(Root, name);
        if (!IsFirst) File.WriteAllText(Path.Combine(Root, "cgroup.subtree_control"), "+io");
        Directory.CreateDirectory(group);
        Enter(group);
    }

    /// <summary>Takes away what a process left that was killed, which the kernel may take a moment for.</summary>
    public static async Task ClearAsync(string name) =>
        await Wait.UntilAsync($"the control group {name} is gone", TimeSpan.FromSeconds(10), async () =>
        {
            await Task.Delay(100);
            try { if (Directory.Exists(Path.Combine(Root, name))) Directory.Delete(Path.Combine(Root, name)); }
            catch (IOException) { return false; }
            return true;
        });

    /// <summary>A device that answers so many reads in a second.</summary>
    /// <param name="path">Of a whole device.</param>
    public void Slow(string path, int reads) => Limit(path, "riops", "read_iops", reads);

    /// <summary>A device that does not answer in this test's time.</summary>
    public void Silence(string path) => Limit(path, "rbps", "read_bps", 1);

    /// <summary>All answer as before, also what they were asked meanwhile.</summary>
    public void Dispose()
    {
        foreach (var device in devices)
        {
            if (!IsFirst) Write("io.max", $"{device} rbps=max riops=max");
            else foreach (var limit in (string[])["read_iops", "read_bps"]) Write($"blkio.throttle.{limit}_device", $"{device} 0");
        }
        Enter(Root);
        Directory.Delete(group);
    }

    private void Limit(string path, string name, string former, int value)
    {
        var device = BlockDevice.NumberOf(path)!;
        devices.Add(device);
        if (IsFirst) Write($"blkio.throttle.{former}_device", string.Create(CultureInfo.InvariantCulture, $"{device} {value}"));
        else Write("io.max", string.Create(CultureInfo.InvariantCulture, $"{device} {name}={value}"));
    }

    private void Write(string file, string text) => File.WriteAllText(Path.Combine(group, file), text);

    private static void Enter(string folder) => File.WriteAllText(Path.Combine(folder, "cgroup.procs"), $"{Environment.ProcessId}");
}
