namespace Operos.Lab.Tests;

/// <summary>The real script on this host, parts of which are made poor in a mount namespace of its own.</summary>
public sealed class PreflightTests : IDisposable
{
    private static readonly string Script = Path.Combine(Build.FindRoot(), "tests/preflight.sh");
    private readonly string folder = Directory.CreateTempSubdirectory("operos-test-").FullName;

    [Theory]
    [InlineData("setpriv --reuid=65534 --regid=65534 --clear-groups", "it must run as root", "next: sudo make demo")]
    [InlineData("setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin", "root may not make network and mount namespaces",
        "next: run it on")]
    public async Task Without_rights_it_says_what_to_do(string wrapper, string problem, string next)
    {
        var (status, output) = await RunAsync($"exec {wrapper} {Script} demo");
        Assert.Equal(1, status);
        Assert.Contains($"demo: {problem}", output, StringComparison.Ordinal);
        Assert.Contains(next, output, StringComparison.Ordinal);
        // No time is promised by a host that cannot.
        Assert.DoesNotContain("time ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Too_little_memory_and_disk_are_told_together_with_figures()
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "meminfo"), "MemTotal: 4096000 kB\nMemAvailable: 2048000 kB\n");
        var tiny = Path.Combine(folder, "out");
        Directory.CreateDirectory(tiny);
        // The script as it stands, in a checkout with a disk of 8 MiB.
        var (status, output) = await RunAsync($"""
            mount --bind {folder}/meminfo /proc/meminfo
            cp -r --parents tests/preflight.sh images/install-deps.sh images/cache.sh {folder}
            mount -t tmpfs -o size=8m tmpfs {tiny}
            exec {folder}/tests/preflight.sh test
            """);
        Assert.Equal(1, status);
        Assert.Contains("test: 2000 MiB of memory are available; three guests need 8192 MiB", output, StringComparison.Ordinal);
        Assert.Contains($"test: 8 MiB are free for {tiny}; 10240 MiB are needed", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_found_out_about_KVM_in_this_boot_is_told()
    {
        var host = await HostIdentity.ReadAsync(default);
        const string reason = "a guest's \"state\" was <internal-error>";
        new AcceleratorRecords(Path.Combine(folder, "accelerator")).Write(host, new Verdict(false, reason));
        // Whether this host has one or not.
        var (_, output) = await RunAsync($"""
            mkdir {folder}/dev && mount -t tmpfs tmpfs {folder}/dev
            cp -a /dev/fd /dev/stdin /dev/stdout /dev/stderr /dev/null /dev/zero /dev/random /dev/urandom /dev/tty {folder}/dev
            cp -a /dev/null {folder}/dev/kvm && mount --bind {folder}/dev /dev
            OPEROS_CACHE={folder} exec {Script} demo
            """);
        Assert.Contains($"demo: kvm     not used: {reason}; guests are emulated\n", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", 2)]
    [InlineData("everything", 2)]
    [InlineData("--help", 0)]
    public async Task It_is_asked_for_demo_or_test(string arguments, int expected)
    {
        var (status, output) = await RunAsync($"exec {Script} {arguments}");
        Assert.Equal(expected, status);
        Assert.Contains("usage: tests/preflight.sh demo|test", output, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static async Task<(int Status, string Output)> RunAsync(string commands)
    {
        string[] shell = ["--mount", "sh", "-c", $"cd {Build.FindRoot()}; ({commands}) 2>&1; echo $?"];
        var output = await Shell.RunAsync("unshare", shell, default, patience: TimeSpan.FromMinutes(1));
        var lines = output.TrimEnd().Split('\n');
        return (int.Parse(lines[^1], System.Globalization.CultureInfo.InvariantCulture), string.Join('\n', lines[..^1]) + "\n");
    }
}
