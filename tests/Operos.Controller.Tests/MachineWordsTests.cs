using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Operos.Controller.Cluster;
using Operos.Controller.Connections;
using Operos.Controller.Machines;
using Operos.Hardware.Inventories;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Tests;

/// <summary>What a machine says of itself is brought within bounds where it enters.</summary>
public sealed class MachineWordsTests
{
    /// <summary>Sets the window's title, clears the screen, turns the direction of writing, and goes to another line.</summary>
    private const string Escape = "\u001b]0;owned\u0007\u001b[2J\u202e\u009b1m\r\nUP";
    private static readonly string Endless = Escape + new string('M', 200_000);

    [Fact]
    public async Task No_string_of_a_machine_is_kept_or_shown_raw_or_endless()
    {
        await using var controller = new TestController();
        var machine = TestController.Machine(1);
        machine = machine with { System = machine.System with { Product = Endless }, Cpus = [new Cpu { Model = Escape }],
            Nics = [machine.Nics[0] with { Name = Escape }] };
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await using (var connection = await controller.ConnectAsync())
        {
            var enrol = new Enrol { Csr = TestController.Csr(key), Inventory = machine.ToJson(), BootRecord = HostileBoot(),
                BootId = "boot-1" };
            Assert.Equal(Admission.Admitted, (await connection.CallAsync<EnrolReply>(enrol, default)).Admission);
        }
        var id = Assert.Single(controller.Registry.All).Id;
        var summary = Assert.Single((await controller.OperateAsync<MachineList>(new ListMachines())).Machines);
        var shown = await controller.OperateAsync<MachineDetail>(new ShowMachine { Machine = id });
        Assert.StartsWith("Acme ]0;owned [2J 1m UPMMMM", summary.Model, StringComparison.Ordinal);
        foreach (var text in (string?[])[summary.Model, summary.Release, Strings(shown.Inventory), Strings(shown.BootRecord),
            .. shown.Events.Select(happened => happened.Text)])
            AssertFit(text, 8 * 1024);
        AssertFit(await File.ReadAllTextAsync(Path.Combine(controller.Folder, "machines", id + ".json")), 16 * 1024, lines: true);
    }

    [Fact]
    public async Task A_heartbeat_s_words_and_figures_are_bounded_too()
    {
        await using var controller = new TestController();
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1));
        var beat = TestController.Beat("boot-1") with
        {
            SystemState = Escape, UptimeSeconds = long.MinValue,
            Steps = [.. Enumerable.Range(0, 1000).Select(number => new NodeStep { Name = Escape, Done = false, Text = number < 4
                ? Endless : Escape, SinceUnixMs = long.MaxValue })],
        };
        await connection.CallAsync<HeartbeatReply>(beat, default);
        var kept = controller.Sessions.Get(id)!.Last!;
        Assert.InRange(kept.Steps.Count, 1, 64);
        foreach (var step in kept.Steps)
        {
            AssertFit(step.Name, 128);
            AssertFit(step.Text, MachineWords.LongestText);
            Assert.InRange(step.SinceUnixMs, 0, DateTimeOffset.UtcNow.AddDays(2).ToUnixTimeMilliseconds());
        }
        AssertFit((await controller.OperateAsync<MachineDetail>(new ShowMachine { Machine = id })).SystemState, 128);
        Assert.InRange((await controller.OperateAsync<MachineDetail>(new ShowMachine { Machine = id })).Summary.BootedUnixMs, 0,
            DateTimeOffset.UtcNow.AddDays(2).ToUnixTimeMilliseconds());
        var malformed = await Assert.ThrowsAsync<ControlFaultException>(
            () => connection.CallAsync<HeartbeatReply>(TestController.Beat(Escape), default));
        Assert.Equal(FaultCode.BadRequest, malformed.Code);
        await connection.DisposeAsync();
    }

    [Fact]
    public async Task A_record_that_an_older_version_kept_raw_is_cleaned_when_it_is_read()
    {
        var folder = Directory.CreateTempSubdirectory("operos-controller-").FullName;
        try
        {
            string id;
            await using (var controller = new TestController(folder: folder)) id =
                (await controller.EnrolAsync(TestController.Machine(1))).MachineId;
            var path = Path.Combine(folder, "machines", id + ".json");
            var record = JsonNode.Parse(await File.ReadAllTextAsync(path))!;
            record["inventory"]!["system"]!["product"] = Endless;
            record["bootRecord"] = Encoding.UTF8.GetString(HostileBoot());
            record["events"]!.AsArray().Add(new JsonObject { ["at"] = "2026-01-01T00:00:00Z", ["text"] = Escape });
            await File.WriteAllTextAsync(path, record.ToJsonString());
            await using var again = new TestController(folder: folder);
            var shown = await again.OperateAsync<MachineDetail>(new ShowMachine { Machine = id });
            foreach (var text in (string?[])[shown.Summary.Model, shown.Summary.Release, Strings(shown.BootRecord),
                .. shown.Events.Select(happened => happened.Text)]) AssertFit(text, 8 * 1024);
        }
        finally { Directory.Delete(folder, recursive: true); }
    }

    [Theory]
    [InlineData("rack", "r1", true)]
    [InlineData("rack", "", true)]
    [InlineData("example.com/Rack_1.a", "A-b_c.9", true)]
    [InlineData("a/b/c", "x", false)]
    [InlineData("/rack", "x", false)]
    [InlineData("rack/", "x", false)]
    [InlineData("Example.com/rack", "x", false)]
    [InlineData("-rack", "x", false)]
    [InlineData("rack.", "x", false)]
    [InlineData("rack", "-x", false)]
    [InlineData("rack", "x_", false)]
    [InlineData("rack", "a b", false)]
    [InlineData("rack", "x\n", false)]
    public async Task Labels_follow_the_rules_of_Kubernetes(string key, string value, bool valid)
    {
        await using var controller = new TestController();
        var id = (await controller.EnrolAsync(TestController.Machine(1))).MachineId;
        var request = new LabelMachine { Machine = id, Set = new Dictionary<string, string> { [key] = value } };
        if (valid) await controller.OperateAsync<Done>(request);
        else Assert.Equal(FaultCode.BadRequest, (await Assert.ThrowsAsync<ControlFaultException>(
            () => controller.OperateAsync<Done>(request))).Code);
        Assert.Equal(valid ? 1 : 0, controller.Registry.Get(id)!.Labels.Count);
    }

    [Fact]
    public async Task Lengths_of_labels_are_those_of_Kubernetes_and_each_bad_one_is_named()
    {
        await using var controller = new TestController();
        var id = (await controller.EnrolAsync(TestController.Machine(1))).MachineId;
        var domain = string.Join('.', Enumerable.Repeat(new string('d', 63), 4))[..253];
        await controller.OperateAsync<Done>(new LabelMachine
            { Machine = id, Set = new Dictionary<string, string> { [$"{domain}/{new string('k', 63)}"] = new string('v', 63) } });
        var bad = new Dictionary<string, string> { [new string('k', 64)] = "x", [$"{domain}d/k"] = "x", ["v"] = new string('v', 64),
            ["good"] = "x" };
        var refusal = await Assert.ThrowsAsync<ControlFaultException>(
            () => controller.OperateAsync<Done>(new LabelMachine { Machine = id, Set = bad }));
        Assert.Contains("these are no labels", refusal.Message, StringComparison.Ordinal);
        Assert.Single(controller.Registry.Get(id)!.Labels);
    }

    [Fact]
    public void A_label_that_the_API_server_would_refuse_does_not_keep_the_others_from_a_node()
    {
        var record = new MachineRecord
        {
            Id = "10000000-0000-4000-8000-000000000001", Standing = MachineStanding.Admitted, Inventory = TestController.Machine(1),
            FirstSeen = DateTimeOffset.UnixEpoch, Name = "rack1-1",
            Labels = new Dictionary<string, string> { ["a/b/c"] = "x", ["x"] = "-", ["rack"] = "r1" },
        };
        var labels = NodeReconciler.Labels(record);
        Assert.Equal("r1", labels["operos.io/rack"]);
        Assert.Equal("rack1-1", labels["operos.io/name"]);
        Assert.Equal(["node-role.kubernetes.io/worker", "operos.io/model", "operos.io/name", "operos.io/rack"], labels.Keys);
    }

    private static byte[] HostileBoot() => Encoding.UTF8.GetBytes(new JsonObject
    {
        ["format"] = 1, ["bootId"] = "b", ["release"] = Escape, ["kernelRelease"] = Escape, ["kind"] = "worker",
        ["firmware"] = new string('f', 40_000), ["retries"] = int.MaxValue,
        ["phases"] = new JsonArray(new JsonObject { ["name"] = Escape, ["startMs"] = long.MinValue, ["endMs"] = long.MaxValue,
            ["detail"] = Escape }),
        ["layers"] = new JsonArray(Enumerable.Range(0, 3)
            .Select(_ => (JsonNode)new JsonObject { ["name"] = Escape, ["bytes"] = long.MaxValue, ["source"] = Escape, ["durationMs"] = 1 })
            .ToArray()),
    }.ToJsonString());

    /// <summary>All strings of a document, as they are without JSON's own escapes.</summary>
    private static string Strings(byte[] json)
    {
        var text = new StringBuilder();
        void Add(JsonNode? node)
        {
            if (node is JsonObject properties) foreach (var property in properties) Add(property.Value);
            else if (node is JsonArray items) foreach (var item in items) Add(item);
            else if (node is JsonValue value && value.TryGetValue<string>(out var found)) text.Append(found);
        }
        Add(JsonNode.Parse(json));
        return text.ToString();
    }

    private static void AssertFit(string? text, int most, bool lines = false)
    {
        Assert.NotNull(text);
        Assert.InRange(text.Length, 1, most);
        Assert.DoesNotContain(text, c => (char.IsControl(c) && !(lines && c == '\n')) || c == '\u202e');
    }
}
