using System.Diagnostics;

namespace Operos.Lab.Tests;

/// <summary>The programs that a demo leaves beside it, with the real controller and operosctl.</summary>
public sealed class OperatorProgramsTests : IDisposable
{
    private readonly string parent = Directory.CreateTempSubdirectory("operos-test-").FullName;

    [Fact]
    public async Task They_are_there_from_the_start_and_follow_what_runs()
    {
        var build = new Build();
        await File.WriteAllTextAsync(Path.Combine(parent, "operosctl"), "#!/bin/sh\n# of an earlier run\nexit 7\n");
        OperatorPrograms.Write(parent, Path.Combine(parent, "rack"), build);
        string[] names = build.HasKubernetes ? ["operosctl", "ssh", "kubectl"] : ["operosctl", "ssh"];
        foreach (var name in names) await SaysAsync(name, "no cluster runs; make demo starts one");

        using var folder = LabFolder.Create(parent, "rack");
        foreach (var name in names) await SaysAsync(name, "the network is still being made");
        var network = await LabNetwork.CreateAsync(folder, $"{NativeController.Address}/24", default);
        foreach (var name in names) await SaysAsync(name, "the controller is still being set up");
        using (await NativeController.StartAsync(build, folder, network, default, dhcpMode: "off"))
        {
            var (code, output, _) = await RunAsync("operosctl", "machines", "list", "--json");
            Assert.True(code == 0 && output.Contains("\"machines\"", StringComparison.Ordinal), output);
            // This controller is one without Kubernetes and without a sshd: what they say comes from there.
            if (build.HasKubernetes)
                Assert.Contains("Kubernetes", (await RunAsync("kubectl", "get", "nodes")).Errors, StringComparison.Ordinal);
            var (_, _, refused) = await RunAsync("ssh", "true");
            Assert.Contains($"connect to host {NativeController.Address} port 22: Connection refused", refused, StringComparison.Ordinal);
            var (_, _, other) = await RunAsync("ssh", "10.77.0.9", "true");
            Assert.Contains("connect to host 10.77.0.9 port 22", other, StringComparison.Ordinal);
        }
        folder.Dispose();
        foreach (var name in names) await SaysAsync(name, "no cluster runs");
    }

    public void Dispose() => Directory.Delete(parent, recursive: true);

    private async Task SaysAsync(string name, string what)
    {
        var (code, output, errors) = await RunAsync(name, "10.77.0.1");
        Assert.Equal((3, ""), (code, output));
        Assert.StartsWith($"{name}: {what}", errors, StringComparison.Ordinal);
    }

    private async Task<(int Code, string Output, string Errors)> RunAsync(string name, params string[] arguments)
    {
        var start = new ProcessStartInfo("timeout", ["60", Path.Combine(parent, name), .. arguments])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output, await errors);
    }
}
