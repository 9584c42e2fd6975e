using System.Diagnostics;

namespace Operos.TestRun.Tests;

/// <summary>The program as make and people start it.</summary>
public sealed class ProgramTests
{
    private static readonly string Root = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../../../.."));
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("TERM", 143)]
    [InlineData("INT", 130)]
    public async Task A_signal_ends_all_that_runs_and_tells_where_the_logs_are(string signal, int status)
    {
        var folder = Directory.CreateTempSubdirectory("operos-run-").FullName;
        var mark = SampleRun.UniqueSeconds();
        var scripts = new[] { "first.sh", "beside.sh", "later.sh" }.Select(name => Path.Combine(folder, name)).ToArray();
        foreach (var script in scripts)
        {
            await File.WriteAllTextAsync(script, $"#!/bin/bash\ntrap '' TERM INT\nsleep {mark}\n", Token);
            File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }
        using var program = Start("--results", folder, $"{scripts[0]}+{scripts[1]}", scripts[2]);
        var output = program.StandardOutput.ReadToEndAsync(Token);
        Assert.True(await HoldsAsync(() => SampleRun.IsRunning(mark)), "no script was started within 20 s");
        using (var kill = Process.Start("kill", ["-s", signal, $"{program.Id}"])) await kill.WaitForExitAsync(Token);
        await program.WaitForExitAsync(Token).WaitAsync(TimeSpan.FromSeconds(30), Token);
        Assert.Equal(status, program.ExitCode);
        Assert.Contains($"stopped by SIG{signal}; what runs is ended. Logs: {folder}", await output);
        Assert.EndsWith("0 passed, 3 failed\n", await output, StringComparison.Ordinal);
        Assert.False(SampleRun.IsRunning(mark), "a script outlived the run");
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task What_a_run_has_started_ends_when_the_run_is_killed()
    {
        var folder = Directory.CreateTempSubdirectory("operos-run-").FullName;
        var mark = SampleRun.UniqueSeconds();
        var script = Path.Combine(folder, "stubborn.sh");
        // The second is a daemon, the third does not end when it is told to.
        var lines = $"#!/bin/bash\nsleep {mark} &\nsetsid --fork sleep {mark}\n(trap '' TERM; sleep {mark}; :)\n";
        await File.WriteAllTextAsync(script, lines, Token);
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        using var program = Start("--results", folder, script);
        Assert.True(await HoldsAsync(() => SampleRun.IsRunning(mark)), "the script was not started within 20 s");
        program.Kill();
        Assert.True(await HoldsAsync(() => !SampleRun.IsRunning(mark)), "what it started runs on 20 s after the run was killed");
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData("nothing to run was named")]
    [InlineData("there is no /", "Operos.Nowhere.Tests")]
    [InlineData("there is no option --nonsense", "--nonsense")]
    [InlineData("--limit needs a number above 0, not none", "--limit", "none", "all")]
    public async Task What_makes_no_sense_is_refused(string told, params string[] arguments)
    {
        using var program = Start(arguments);
        var errors = await program.StandardError.ReadToEndAsync(Token);
        await program.WaitForExitAsync(Token);
        Assert.Equal(2, program.ExitCode);
        Assert.Contains(told, errors);
    }

    [Fact]
    public async Task What_does_not_compile_ends_with_a_count()
    {
        var folder = Directory.CreateTempSubdirectory("operos-run-").FullName;
        // A compiler that has no memory to start in.
        string[] arguments = ["--results", folder, "Operos.Proto.Tests"];
        var (status, output) = await RunAsync(Path.Combine(Root, "tests/run.sh"), arguments, ("DOTNET_GCHeapHardLimit", "1"));
        Assert.Equal(1, status);
        const string told = "FAILED: it does not compile: the errors stand above; nothing else was started\n\n0 passed, 1 failed\n";
        Assert.EndsWith(told, output, StringComparison.Ordinal);
        Assert.Equal("0 passed, 1 failed\n", await File.ReadAllTextAsync(Path.Combine(folder, "count"), Token));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task What_fails_before_the_run_ends_with_a_count_in_CI()
    {
        // A checkout whose makefile is gone.
        var folder = Directory.CreateTempSubdirectory("operos-run-").FullName;
        Directory.CreateDirectory(Path.Combine(folder, ".ci"));
        File.Copy(Path.Combine(Root, ".ci/run"), Path.Combine(folder, ".ci/run"));
        var (status, output) = await RunAsync(Path.Combine(folder, ".ci/run"), []);
        Assert.NotEqual(0, status);
        Assert.EndsWith("\n0 passed, 1 failed\n", output, StringComparison.Ordinal);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void The_suite_has_every_project_and_every_script_of_tests()
    {
        var suite = new Suite(Root, make: true, kubernetes: true, []);
        var tests = Path.Combine(Root, "tests");
        var projects = Directory.EnumerateDirectories(tests, "*.Tests").Select(Path.GetFileName);
        // These two are the run itself.
        var scripts = Directory.EnumerateFiles(tests, "*.sh").Select(Path.GetFileName).Except(["run.sh", "preflight.sh"]);
        Assert.Equal([], projects.Concat(scripts.Select(name => $"tests/{name}")).Except(Names(suite.All)));
        Assert.DoesNotContain(Names(suite.Quick), name => name.StartsWith("Operos.Qemu", StringComparison.Ordinal));
    }

    [Fact]
    public void Without_Kubernetes_its_tests_are_named_as_skipped()
    {
        var suite = new Suite(Root, make: true, kubernetes: false, []);
        foreach (var stages in (IReadOnlyList<Stage>[])[suite.All, suite.Quick, suite.Of(["Operos.Kubernetes.Tests"])])
        {
            var skipped = stages.SelectMany(stage => stage.Groups).SelectMany(group => group.Items).Where(item => item.Skip is not null);
            Assert.Equal(("Operos.Kubernetes.Tests", "the layers are without Kubernetes"),
                skipped.Select(item => (item.Name, item.Skip)).Single());
        }
    }

    [Fact]
    public void Without_Ceph_its_tests_are_named_as_skipped()
    {
        var items = new Suite(Root, make: true, kubernetes: true, [], ceph: false).All.SelectMany(stage => stage.Groups)
            .SelectMany(group => group.Items);
        Assert.Equal(("Operos.Ceph.Tests", "the layers are without Ceph"),
            items.Where(item => item.Skip is not null).Select(item => (item.Name, item.Skip)).Single());
    }

    private static IEnumerable<string> Names(IEnumerable<Stage> stages) =>
        stages.SelectMany(stage => stage.Groups).SelectMany(group => group.Items).Select(item => item.Name);

    private static Process Start(params IEnumerable<string> arguments)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "operos-test-run.dll");
        var start = new ProcessStartInfo("dotnet", [program, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        return Process.Start(start)!;
    }

    private static async Task<(int Status, string Output)> RunAsync(
        string script, string[] arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(script, arguments) { RedirectStandardOutput = true };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync(Token);
        await process.WaitForExitAsync(Token);
        return (process.ExitCode, output);
    }

    private static async Task<bool> HoldsAsync(Func<bool> condition)
    {
        for (var i = 0; i < 200 && !condition(); i++) await Task.Delay(100, Token);
        return condition();
    }
}
