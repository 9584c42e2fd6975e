using System.Diagnostics;

namespace Operos.TestRun.Tests;

/// <summary>The program as make and people start it.</summary>
public sealed class ProgramTests
{
    private static readonly string Root = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../../../.."));

    [Theory]
    [InlineData("TERM", 143)]
    [InlineData("INT", 130)]
    public async Task A_signal_ends_all_that_runs_and_tells_where_the_logs_are(string signal, int status)
    {
        var folder = Directory.CreateTempSubdirectory("operos-run-").FullName;
        var mark = $"7{Random.Shared.Next(1_000_000, 9_999_999)}";
        var scripts = new[] { "first.sh", "beside.sh", "later.sh" }.Select(name => Path.Combine(folder, name)).ToArray();
        foreach (var script in scripts)
        {
            await File.WriteAllTextAsync(script, $"#!/bin/bash\ntrap '' TERM INT\necho started\nsleep {mark}\n", TestContext.Current.CancellationToken);
            File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }
        using var program = Start("--results", folder, $"{scripts[0]}+{scripts[1]}", scripts[2]);
        var output = program.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        Assert.True(await Until(() => SampleRun.IsRunning(mark)), "the script did not start within 20 s");
        using (var kill = Process.Start("kill", ["-s", signal, $"{program.Id}"])) await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        await program.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal(status, program.ExitCode);
        Assert.Contains($"stopped by SIG{signal}; what runs is ended, its logs: {folder}", await output);
        Assert.EndsWith("0 passed, 3 failed\n", await output, StringComparison.Ordinal);
        Assert.False(SampleRun.IsRunning(mark), "a script outlived the run");
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData("nothing to run was named")]
    [InlineData("there is no", "Operos.Nowhere.Tests")]
    [InlineData("unknown or incomplete option", "--nonsense")]
    public async Task What_makes_no_sense_is_refused(string told, params string[] arguments)
    {
        using var program = Start(arguments);
        var errors = await program.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await program.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(2, program.ExitCode);
        Assert.Contains(told, errors);
    }

    [Fact]
    public void The_suite_has_every_project_and_every_script_of_tests()
    {
        var suite = new Suite(Root, make: true, kubernetes: true, []);
        var names = suite.All.SelectMany(stage => stage.Groups).SelectMany(group => group.Items).Select(item => item.Name).ToHashSet();
        var projects = Directory.EnumerateFiles(Path.Combine(Root, "tests"), "*.Tests.csproj", SearchOption.AllDirectories).Select(path => Path.GetFileNameWithoutExtension(path));
        // These two are the run itself.
        var scripts = Directory.EnumerateFiles(Path.Combine(Root, "tests"), "*.sh").Select(path => $"tests/{Path.GetFileName(path)}").Except(["tests/run.sh", "tests/preflight.sh"]);
        Assert.Equal([], projects.Concat(scripts).Except(names));
        Assert.DoesNotContain(suite.Quick.SelectMany(stage => stage.Groups).SelectMany(group => group.Items), item => item.Name.StartsWith("Operos.Qemu", StringComparison.Ordinal));
    }

    private static Process Start(params IEnumerable<string> arguments) =>
        Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "operos-test-run.dll"), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true })!;

    private static async Task<bool> Until(Func<bool> condition)
    {
        for (var i = 0; i < 200; i++)
        {
            if (condition()) return true;
            await Task.Delay(100);
        }
        return condition();
    }
}
