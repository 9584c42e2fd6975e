using System.Diagnostics;

namespace Operos.Lab.Tests;

/// <summary>A lab whose program was killed leaves nothing behind for longer than until the next one starts.</summary>
public sealed class LabFolderTests : IDisposable
{
    private const string Variable = "OPEROS_LAB_SAMPLE", Group = "operos-lab-sample";
    private readonly string parent = Directory.CreateTempSubdirectory("operos-test-").FullName;
    private readonly string mark = $"7{Random.Shared.Next(1_000_000, 9_999_999)}";

    [Fact]
    public async Task What_a_killed_lab_left_is_cleared_by_the_next()
    {
        string[] sample = ["-explicit", "only", "-method", $"*.{nameof(LabFolderTests)}.{nameof(Stands_until_it_is_killed)}"];
        var start = new ProcessStartInfo(Environment.ProcessPath!, sample) { RedirectStandardOutput = true };
        start.Environment[Variable] = $"{parent} {mark}";
        using var program = Process.Start(start)!;
        var victim = Path.Combine(parent, "victim");
        var stands = Path.Combine(victim, "stands");
        await Wait.UntilAsync("the lab stands", TimeSpan.FromMinutes(1), () => Task.FromResult(File.Exists(stands)));
        program.Kill();
        await program.WaitForExitAsync();
        var sockets = await File.ReadAllTextAsync(Path.Combine(victim, "sockets"));
        var name = Assert.Single(await File.ReadAllLinesAsync(Path.Combine(victim, "namespaces")));
        // The control: a daemon, a program of a control group, a namespace, a folder.
        Assert.Equal(2, await RunningAsync());
        Assert.True(Directory.Exists(sockets) && await HasNamespaceAsync(name) && ControlGroups().Length > 0);

        using (LabFolder.Create(parent, "next")) { }
        Assert.Equal(0, await RunningAsync());
        Assert.False(await HasNamespaceAsync(name), "its namespace is there");
        Assert.False(Directory.Exists(sockets), "its sockets are there");
        Assert.Equal([], ControlGroups());
        Assert.Equal(["stands"], Directory.EnumerateFileSystemEntries(victim).Select(Path.GetFileName).Where(file => file != "log"));
    }

    [Fact(Explicit = true)]
    public async Task Stands_until_it_is_killed()
    {
        var words = Environment.GetEnvironmentVariable(Variable)!.Split(' ');
        var folder = LabFolder.Create(words[0], "victim");
        var network = await LabNetwork.CreateAsync(folder, null, default);
        network.Start("setsid", ["--fork", "sleep", words[1]], folder["log"]);
        folder.NoteControlGroup(Group);
        // As a machine in nspawn has one in each hierarchy; some take no process before they are told of processors.
        const string Enter = """
            for hierarchy in /sys/fs/cgroup/*/ /sys/fs/cgroup/; do
                [ -e "$hierarchy/cgroup.procs" ] && mkdir "$hierarchy/$1" && echo $$ > "$hierarchy/$1/cgroup.procs"
            done 2> /dev/null
            exec sleep "$2"
            """;
        Launcher.Start(new ProcessStartInfo("setsid", ["sh", "-c", Enter, "sh", Group, words[1]]));
        await File.WriteAllTextAsync(folder.SocketPath("socket"), "");
        await Wait.UntilAsync("both run", TimeSpan.FromSeconds(30), async () => await RunningAsync(words[1]) == 2);
        await File.WriteAllTextAsync(folder["stands"], "");
        await Task.Delay(Timeout.Infinite);
    }

    public void Dispose() => Directory.Delete(parent, recursive: true);

    private Task<int> RunningAsync() => RunningAsync(mark);

    private static async Task<int> RunningAsync(string mark)
    {
        var found = await Shell.RunAsync("pgrep", ["-f", $"^sleep {mark}$"], default, check: false);
        return found.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;
    }

    private static async Task<bool> HasNamespaceAsync(string name) =>
        (await Shell.RunAsync("ip", ["netns", "list"], default)).Split('\n').Any(line => line.Split(' ')[0] == name);

    private static string[] ControlGroups() =>
        [.. Directory.EnumerateDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup")
            .Select(folder => Path.Combine(folder, Group)).Where(Directory.Exists)];
}
