using System.Diagnostics;
using System.Text.Json;
using Operos.Hardware.Inventories;
using Operos.Lab;

namespace Operos.Net.Tests;

/// <summary>operos-worker's commands for diagnosis, as a person at the machine runs them.</summary>
[Collection(Lanes.Workers)]
public sealed class WorkerCommandTests : IDisposable
{
    /// <summary>A command line, its exit code, and words of what it prints: on standard output with 0, else on standard error.</summary>
    private sealed record Case(string Line, int Code, params string[] Says);

    private readonly string folder = Directory.CreateTempSubdirectory("operos-worker-").FullName;

    public WorkerCommandTests()
    {
        var machine = Worker.Machine(1);
        File.WriteAllBytes(InFolder("one"), machine.ToJson());
        File.WriteAllBytes(InFolder("other-disk"), (machine with { Disks = [new Disk { Model = "SSD", Serial = "OTHER1" }] }).ToJson());
        File.WriteAllBytes(InFolder("two"), Worker.Machine(2).ToJson());
        File.WriteAllBytes(InFolder("blank"), new Inventory().ToJson());
        foreach (var path in Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "Cases")))
            File.Copy(path, InFolder(Path.GetFileNameWithoutExtension(path)));
        File.WriteAllText(InFolder("damaged"), "{ \"format\": 1,");
        Directory.CreateDirectory(InFolder("state"));
        File.WriteAllText(InFolder("state/status.json"), "{ \"state\": \"enrolled\" }");
    }

    private static readonly Case[] Cases =
    [
        new("status --state-dir state", 0, "\"state\": \"enrolled\""),
        new("status --state-dir none", 1, "none/status.json is missing", "is operos-worker.service running?"),
        new("inventory", 0, "memory ", "tpm "),
        new("fingerprint --inventory one", 0, "board     40  system-serial  acme/sys000001",
            "network   25  nic            3c:ec:ef:00:00:01", "uuid     "),
        new("fingerprint --inventory blank", 0, "uuid     none: nothing identifies this machine"),
        new("fingerprint --inventory none", 1, "none"),
        new("fingerprint --inventory damaged", 1, "the inventory is no valid JSON"),
        new("fingerprint --compare one other-disk", 0, "storage", "differs", "> disk ssd/other1", "the same machine"),
        new("fingerprint --compare one two", 0, "0 % of what could: two machines"),
        // What a controller would say that knows the first; a value that a vendor wrote into both is not enough for one machine.
        new("fingerprint --compare vendor-board-serial-1 vendor-board-serial-2", 0, "suspect  = board-serial",
            "ambiguous: it has parts of a known machine"),
        new("fingerprint --compare vendor-uuid-1 vendor-uuid-2", 0, "board     40.0 of 40  agrees",
            "ambiguous: it has parts of a known machine"),
        new("fingerprint --compare diskless-dimm-placeholder-1 diskless-dimm-placeholder-2", 0, "network    0.0 of 25  differs",
            "ambiguous: it has parts of a known machine"),
        new("fingerprint --compare batch-eui64-1 batch-eui64-2", 0, "= wwn eui.0025385b71b01234",
            "ambiguous: it has parts of a known machine"),
        new("fingerprint --compare one blank", 0, "ambiguous: nothing identifies this machine"),
        new("fingerprint --compare one none", 1, "none"),
        new("fingerprint --compare one", 1, "--compare"),
        new("run --control nowhere", 1, "no controller is known", "--control ADDRESS:PORT"),
        new("run --control 127.0.0.1:7443 --ca none", 1, "the cluster's CA certificate none is missing; give --ca FILE"),
        new("run --control 127.0.0.1:7443 --ca damaged --state-dir state", 1, "the cluster's CA certificate damaged is no certificate"),
        new("no-such-command", 1, "no-such-command"),
    ];

    [Fact]
    public void Each_command_says_what_it_should_with_its_exit_code()
    {
        foreach (var example in Cases)
        {
            var (code, output, errors) = Run(example.Line);
            var said = example.Code == 0 ? output : errors;
            Assert.True(code == example.Code, $"{example.Line}: exit code {code}\n{output}{errors}");
            foreach (var words in example.Says)
                Assert.True(said.Contains(words, StringComparison.Ordinal), $"{example.Line}: no '{words}' in\n{output}{errors}");
            Assert.DoesNotContain("   at ", output + errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_inventory_as_JSON_is_an_inventory_and_has_the_fingerprint_of_the_machine()
    {
        var (code, json, _) = Run("inventory --json");
        Assert.Equal(0, code);
        using var document = JsonDocument.Parse(json);
        Assert.True(document.RootElement.GetProperty("memoryBytes").GetInt64() > 0);
        File.WriteAllText(InFolder("this"), json);
        Assert.Equal(Run("fingerprint").Output, Run("fingerprint --inventory this").Output);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string InFolder(string name) => Path.Combine(folder, name);

    private (int Code, string Output, string Errors) Run(string line)
    {
        using var process = Process.Start(new ProcessStartInfo(new Build().Binary("operos-worker"), line.Split(' '))
            { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        if (!process.WaitForExit(TimeSpan.FromSeconds(10)))
        {
            process.Kill();
            throw new LabException($"operos-worker {line} does not end");
        }
        return (process.ExitCode, output, errors.Result);
    }
}
