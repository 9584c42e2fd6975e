using System.Diagnostics;
using Microsoft.Win32.SafeHandles;
using Operos.Lab;
using Operos.Linux;
using Operos.Storage.Classes;
using Operos.Storage.Layouts;
using Operos.Storage.Looks;
using Operos.Storage.Work;

namespace Operos.Bench;

/// <summary>Disks over sparse files: how long they are looked at, and how long a blank one takes to be split.</summary>
internal static class DiskBench
{
    private const int Disks = 12, Rounds = 5;
    private const long Bytes = 64L << 30;
    private static readonly DiskPolicy Policy = new() { Cluster = new string('b', 64), Machine = Guid.NewGuid(), TakesFiles = true };

    public static async Task<IEnumerable<Row>> RunAsync(Build build, string folder)
    {
        var images = Images(folder);
        var looks = new List<double>();
        for (var round = 0; round < Rounds; round++)
        {
            var clock = Stopwatch.StartNew();
            await Shell.RunAsync(build.Binary("operos-worker"), ["disks", "--json", .. images], default);
            looks.Add(clock.Elapsed.TotalSeconds);
        }
        List<double> ours = [], theirs = [];
        for (var round = 0; round < Rounds; round++)
        {
            theirs.Add(await OnDiskAsync(folder, SplitByRepartAsync));
            ours.Add(await OnDiskAsync(folder, SplitAsync));
        }
        var ratio = Median(ours) / Median(theirs);
        return
        [
            new Row($"disks, {Disks} looked at, whole program", $"{Median(looks):0.00} s", "", "at most 2 s", Median(looks) <= 2),
            new Row("disks, a blank one split, with ext4", $"{Median(ours):0.00} s", $"systemd-repart {Median(theirs):0.00} s",
                "at most 1.2", ratio <= 1.2),
        ];
    }

    /// <summary>Sparse files of a disk's size, blank.</summary>
    public static IReadOnlyList<string> Images(string folder) => [.. Enumerable.Range(1, Disks).Select(number =>
    {
        var path = Path.Combine(folder, $"disk-{number}");
        using var file = File.Create(path);
        file.SetLength(Bytes);
        return path;
    })];

    private static async Task<double> OnDiskAsync(string folder, Func<string, string, Task<double>> act)
    {
        var image = Path.Combine(folder, "disk");
        using (var file = File.Create(image)) file.SetLength(Bytes);
        using SafeFileHandle loop = LoopDevice.Attach(image, FileAccess.ReadWrite, 512, partitions: true, out var device);
        try { return await act(device, folder); }
        finally { File.Delete(image); }
    }

    private static async Task<double> SplitAsync(string device, string folder)
    {
        var facts = new DiskFactsReader().Find(Path.GetFileName(device))!;
        var plan = MachineLayout.Plan([DiskClassifier.Classify(await DiskLook.TakeAsync(device, facts, default), Policy)], new());
        var clock = Stopwatch.StartNew();
        await new DiskSetUp(Policy, _ => { }).RunAsync(plan[0].Disk, plan[0].Layout, default);
        return clock.Elapsed.TotalSeconds;
    }

    /// <summary>The same partitions and the same file system, by what an administrator would write.</summary>
    private static async Task<double> SplitByRepartAsync(string device, string folder)
    {
        var facts = new DiskFactsReader().Find(Path.GetFileName(device))!;
        var plan = MachineLayout.Plan([DiskClassifier.Classify(await DiskLook.TakeAsync(device, facts, default), Policy)], new());
        var definitions = Directory.CreateDirectory(Path.Combine(folder, "repart.d")).FullName;
        foreach (var (partition, number) in plan[0].Layout.Partitions.Select((partition, number) => (partition, number)))
            await File.WriteAllTextAsync(Path.Combine(definitions, $"{number}.conf"), $"""
                [Partition]
                Type={PartitionTypes.TypeOf(partition.Use)}
                SizeMinBytes={partition.Bytes}
                SizeMaxBytes={partition.Bytes}
                {(partition.Use == PartitionUse.Volumes ? "Format=ext4" : "")}
                """);
        var clock = Stopwatch.StartNew();
        await Shell.RunAsync("systemd-repart",
            [$"--definitions={definitions}", "--empty=require", "--discard=no", "--dry-run=no", "--no-pager", device], default);
        return clock.Elapsed.TotalSeconds;
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values[values.Count / 2];
    }
}
