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

    private const string Id = "9d0b5a0e-0d9c-5d5f-9d6c-3c5e0c6f9a11";

    /// <summary>As the agent writes it; an error may hold what a stranger said.</summary>
    private const string Told = $$"""
        { "state": "waiting", "machine": "{{Id}}", "name": "rack7", "text": "an operator decides", "since": "2020-01-01T00:00:00Z",
          "certificateExpires": "2020-01-02T00:00:00Z", "lastError": "refused \u001b[31m", "kubernetes": [
            { "name": "images", "done": true, "text": "", "sinceUnixMs": 0 },
            { "name": "kubelet", "done": false, "text": "it says: no space left", "sinceUnixMs": 0 } ] }
        """;

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
        using (var disk = File.Create(InFolder("blank-disk"))) disk.SetLength(3L << 30);
        using (var disk = File.Create(InFolder("xfs-disk")))
        {
            disk.Write("XFSB"u8);
            disk.SetLength(3L << 30);
        }
        Directory.CreateDirectory(InFolder("state"));
        File.WriteAllText(InFolder("state/status.json"), "{ \"state\": \"enrolled\" }");
        Directory.CreateDirectory(InFolder("told"));
        File.WriteAllText(InFolder("told/status.json"), Told);
        Directory.CreateDirectory(InFolder("torn"));
        File.WriteAllText(InFolder("torn/status.json"), "{ \"state\": ");
    }

    private static readonly Case[] Cases =
    [
        new("status --json --state-dir state", 0, "\"state\": \"enrolled\""),
        new("status --state-dir state", 0, "machine     no id yet", "agent       enrolled", "node        none: it runs no pods"),
        new("status --state-dir told", 0, $"machine     {Id} (rack7)", "agent       waiting: an operator decides",
            "last error: refused [31m",
            "does operos-worker.service run? systemctl status operos-worker",
            "node        1 of 2 steps are done; waits for kubelet (it says: no space left)", "certificate ended "),
        new("status --state-dir torn", 1, "torn/status.json is no status", "systemctl status operos-worker"),
        new("diag --state-dir none", 0, "agent       it has written no status",
            "controller  unknown does not answer: no controller is known",
            "clock       20", "memory      ", "network     ", "last words", "journalctl -u operos-worker"),
        new("diag --state-dir told --control 127.0.0.1:9 --ca none", 0, $"machine     {Id}",
            "controller  unknown does not answer: the cluster's CA certificate none is missing; give --ca FILE"),
        new("status --state-dir none", 1, "none/status.json is missing", "is operos-worker.service running?"),
        new("inventory", 0, "memory ", "tpm "),
        new("inventroy --help", 2, "there is no command 'inventroy'; did you mean inventory?"),
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
        new("fingerprint --compare one", 2, "--compare"),
        new("disks blank-disk xfs-disk one none", 0, "blank-disk   blank ", "every place where anything known would stand is erased",
            "xfs-disk     foreign ", "XFS at 0 bytes", "one          unsuitable ", "the smallest that is used has 2 GiB",
            "none         doubtful ", "it cannot be opened"),
        new("disks --json xfs-disk", 0, "\"class\": \"foreign\"", "\"name\": \"XFS\""),
        new("disks --ca damaged blank-disk", 1, "the cluster's CA certificate damaged is no certificate"),
        new("disks", 0),
        new("run --control nowhere", 1, "no controller is known", "--control ADDRESS:PORT"),
        new("run --control 127.0.0.1:7443 --ca none", 1, "the cluster's CA certificate none is missing; give --ca FILE"),
        new("run --control 127.0.0.1:7443 --ca damaged --state-dir state", 1, "the cluster's CA certificate damaged is no certificate"),
        new("no-such-command", 2, "no-such-command"),
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

    [Fact]
    public async Task Status_and_diag_tell_how_a_machine_stands_with_a_controller_that_answers_and_one_that_is_gone()
    {
        await using var service = await BootService.StartAsync("off");
        var worker = Worker.Start(service, "worker", Worker.Machine(1));
        var id = await worker.BeUpAsync();
        var status = await AskAsync("status");
        Assert.Contains($"machine     {id}\nagent       enrolled\n", status, StringComparison.Ordinal);
        Assert.Matches("written [0-9]+ s ago\nnode        none: it runs no pods\ncertificate until 20.* UTC, [0-9]+ days left", status);
        var diag = await AskAsync("diag");
        Assert.Contains($"machine     {id}\n", diag, StringComparison.Ordinal);
        Assert.Matches($"controller  {NativeController.Address}:7443 answers within [0-9]+ ms: operos-controller/", diag);
        Assert.Matches("clock       20.* UTC, as the controller's\n", diag);
        Assert.Matches("memory      .* of .* left\n", diag);
        Assert.Matches("network     .* up 10.77.0.[0-9]+/24", diag);

        service.Controller.Kill();
        Assert.Matches($"controller  {NativeController.Address}:7443 does not answer: ", await AskAsync("diag"));
        using var json = JsonDocument.Parse(await AskAsync("diag", "--json"));
        Assert.False(json.RootElement.GetProperty("controller").GetProperty("answers").GetBoolean());
        Assert.Equal(id, json.RootElement.GetProperty("status").GetProperty("machine").GetString());
        Assert.True(json.RootElement.GetProperty("memoryAvailableBytes").GetInt64() > 0);

        Task<string> AskAsync(string command, params string[] more)
        {
            string[] whom = command == "diag" ? ["--control", $"{NativeController.Address}:7443", "--ca",
                service.Folder["setup/admin/ca.crt"]] : [];
            return service.Client.RunAsync(new Build().Binary("operos-worker"),
                [command, "--state-dir", worker.StateFolder, .. whom, .. more]);
        }
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
