using CsCheck;
using Operos.Lab;
using Operos.Node.Memory;

namespace Operos.Node.Tests;

/// <summary>The RAM of a machine without a disk: how it is divided, and that the kernel holds to it.</summary>
public sealed class MemoryTests : IDisposable
{
    private const long Mebibyte = 1L << 20, Gibibyte = 1L << 30;
    private readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    // What is bounded from below and above meets on small machines, of which few would be drawn among all.
    [Theory]
    [InlineData(4), InlineData(2048)]
    public void Layers_services_files_and_pods_add_up_to_no_more_than_there_is(long most) =>
        Gen.Select(Gen.Long[640 * Mebibyte, most * Gibibyte], Gen.Long[0, 320 * Mebibyte]).Sample((total, layers) =>
        {
            // Less does not boot: the layers and what starts with them would not fit.
            total = Math.Max(total, layers + 512 * Mebibyte);
            var plan = MemoryPlan.Make(total, layers);
            var own = plan.Folders.Where(folder => !folder.OfPods).Sum(folder => folder.Bytes);
            Assert.True(layers + MemoryPlan.Services + own + MemoryPlan.Free + plan.Pods <= total, $"{plan}");
            Assert.True(plan.Reserved < total && plan.Pods >= (total - layers - MemoryPlan.Services - MemoryPlan.Free) / 4, $"{plan}");
            // With a disk, what containerd's folder had is the pods', and not a byte that others have.
            var withDisk = plan.WithDisk();
            Assert.Equal(plan.Pods + plan.Folders.Single(folder => folder.Path == "/var/lib/containerd").Bytes, withDisk.Pods);
            Assert.True(withDisk is { HasFiles: false, Reserved: > 0 } && plan.HasFiles, $"{withDisk}");
            // What pods write here is theirs: it must not be more than they have.
            Assert.All(plan.Folders.Where(folder => folder.OfPods), folder => Assert.True(folder.Bytes <= plan.Pods, $"{plan}"));
        }, iter: 2000);

    [Fact]
    public void What_daemons_on_disks_take_is_not_for_pods_and_is_given_back() =>
        Gen.Select(Gen.Long[640 * Mebibyte, 512 * Gibibyte], Gen.Long[0, 512 * Gibibyte]).Sample((total, bytes) =>
        {
            var plan = MemoryPlan.Make(total, 171 * Mebibyte).WithDisk();
            var with = plan.WithDaemons(bytes);
            Assert.Equal(plan.Pods - with.Daemons, with.Pods);
            Assert.True(with.Daemons <= bytes && with.Reserved <= Math.Max(plan.Reserved, total / 4 * 3), $"{with}");
            Assert.True(with.Daemons == bytes || with.Reserved >= total / 4 * 3, $"{with}");
            Assert.Equal(plan, with.WithDaemons(0));
            Assert.Equal(with, plan.WithDaemons(1).WithDaemons(bytes));
        }, iter: 2000);

    [Theory]
    [InlineData(1024, 171), InlineData(1536, 171), InlineData(8192, 171), InlineData(262144, 171), InlineData(208, 94)]
    public void The_kubelet_gives_to_pods_what_is_left_and_starts_on_a_machine_that_has_hardly_any(long total, long layers)
    {
        var plan = MemoryPlan.Make(total * Mebibyte, layers * Mebibyte);
        var settings = Settings.Node() with { ReservedMemoryBytes = plan.Reserved, Memory = plan };
        var written = Configuration.KubeletConfiguration.Write(settings, Settings.Facts("1.20.2"), folder.Paths);
        Assert.Contains($"  memory: {plan.Reserved / Mebibyte}Mi\n", written, StringComparison.Ordinal);
        Assert.Contains($"  memory.available: {MemoryPlan.Free / Mebibyte}Mi\n", written, StringComparison.Ordinal);
        // It refuses to start where more is reserved than there is.
        Assert.True(plan.Reserved < plan.Total, $"{plan}");
    }

    [Fact]
    public async Task A_folder_in_RAM_holds_what_the_plan_gives_it_and_not_a_byte_more()
    {
        var full = Path.Combine(folder.Paths.Run, "full");
        var fill = $"stat -f -c '%S %b' {full}; head -c 3M /dev/zero > {full}/file || true; stat -c %s {full}/file";
        var said = await InAsync(full, 2 * Mebibyte, "", fill);
        Assert.Contains("are for pods", said, StringComparison.Ordinal);
        var lines = said.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2 * Mebibyte, lines[^2].Split(' ').Select(long.Parse).Aggregate((size, blocks) => size * blocks));
        Assert.Equal(2 * Mebibyte, long.Parse(lines[^1], System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task A_folder_that_holds_too_much_already_is_named_with_what_it_holds()
    {
        var full = Path.Combine(folder.Paths.Run, "full");
        var said = await InAsync(full, 2 * Mebibyte, $"head -c 5000000 /dev/zero > {full}/file", "true");
        Assert.Contains($"{full} (files of a test) cannot be bounded to 2 MB: it holds 5 MB", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Little_memory_is_told_with_what_holds_it()
    {
        var proc = Directory.CreateDirectory(Path.Combine(folder.Paths.Run, "proc/self")).Parent!.FullName;
        var plan = MemoryPlan.Make(2 * Gibibyte, 0) with
            { Folders = [new RamFolder(folder.Paths.Run, "files written to the root", new DriveInfo(folder.Paths.Run).TotalSize)] };
        File.WriteAllText(Path.Combine(proc, "self/mounts"), $"none {folder.Paths.Run} tmpfs rw 0 0\nnone /elsewhere ext4 rw 0 0\n");
        await TellAsync(200_000);
        Assert.Equal("1.3 GB of 2.1 GB are for pods",
            await new MemoryWatch(plan with { Reserved = 700 * Mebibyte }, proc).LookAsync(default));
        await TellAsync(80_000);
        var told = (await Assert.ThrowsAsync<NodeException>(() => new MemoryWatch(plan, proc).LookAsync(default))).Message;
        Assert.StartsWith("82 MB of 2.0 GB of memory are left: ", told, StringComparison.Ordinal);
        Assert.Contains("of that, files written to the root ", told, StringComparison.Ordinal);

        Task TellAsync(int available) =>
            File.WriteAllTextAsync(Path.Combine(proc, "meminfo"), $"MemTotal: 2000000 kB\nMemAvailable: {available} kB\n");
    }

    /// <summary>A tmpfs without a bound, as it is mounted at boot, in a process with mounts of its own; what all of it prints.</summary>
    private static Task<string> InAsync(string mounted, long bytes, string before, string after)
    {
        Directory.CreateDirectory(mounted);
        var program = Environment.ProcessPath!;
        var self = program.EndsWith("dotnet", StringComparison.Ordinal) ? $"{program} {typeof(MemoryTests).Assembly.Location}" : program;
        var probe = $"{NetworkProbe.Variable}='memory {mounted} {bytes}' {self} || true";
        var script = $"mount -t tmpfs none {mounted}\n{before}\n{probe}\n{after}\n";
        return Shell.RunAsync("unshare", ["--mount", "--propagation", "private", "sh", "-ec", script], default);
    }
}
