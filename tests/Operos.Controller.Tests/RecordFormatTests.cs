using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Operos.ControlPlane.Objects;
using Operos.Controller.Audit;
using Operos.Controller.Machines;
using Operos.Controller.Operators;
using Operos.Linux;
using Operos.Proto;

namespace Operos.Controller.Tests;

/// <summary>A controller of one version on the records of another.</summary>
public sealed class RecordFormatTests : IDisposable
{
    private const string Id = "0b5c9a53-6f0a-4f5e-8a43-3d6a1f6f9d11";
    private readonly string folder = Directory.CreateTempSubdirectory("operos-records-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void A_machines_record_says_its_format_and_one_that_says_none_is_read()
    {
        Machines().Save(Record());
        Assert.Equal(1, (int)Change(MachineFile, json => { })["format"]!);
        Change(MachineFile, json => json.Remove("format"));
        var old = Assert.Single(Machines().LoadAll());
        Machines().Save(old);
        Assert.Equal(1, (int)Change(MachineFile, json => { })["format"]!);
    }

    [Fact]
    public void A_newer_machines_record_is_refused_by_name_and_stays_as_it_is()
    {
        Machines().Save(Record());
        Change(MachineFile, json =>
        {
            json["format"] = 2;
            json["standing"] = new JsonObject { ["known"] = "to newer versions" };
        });
        var before = File.ReadAllText(MachineFile);
        var store = Machines();
        Assert.Empty(store.LoadAll());
        var refused = Assert.Single(store.Unreadable);
        Assert.Contains($"{MachineFile} is of format 2, and this version knows formats up to 1", refused.Reason, StringComparison.Ordinal);
        Assert.Throws<RecordFormatException>(() => Machines().Save(Record()));
        Assert.Throws<RecordFormatException>(() => Machines().Delete(Id));
        Assert.Equal(before, File.ReadAllText(MachineFile));
        Assert.Equal([MachineFile], Directory.GetFiles(Path.Combine(folder, "machines")));
    }

    [Theory]
    [InlineData("\"two\"")]
    [InlineData("-1")]
    [InlineData("1.5")]
    public void A_format_that_is_no_version_is_damage_and_set_aside(string format)
    {
        Machines().Save(Record());
        var text = File.ReadAllText(MachineFile);
        File.WriteAllText(MachineFile, text.Replace("\"format\": 1", $"\"format\": {format}", StringComparison.Ordinal));
        Assert.Empty(Machines().LoadAll());
        Assert.Equal([MachineFile + ".damaged"], Directory.GetFiles(Path.Combine(folder, "machines")));
    }

    [Fact]
    public void A_newer_operators_record_is_nobody_while_we_run_and_stays_as_it_is()
    {
        var store = new OperatorStore(Path.Combine(folder, "operators"), NullLogger<OperatorStore>.Instance);
        store.Save(Bob(OperatorRole.Admin));
        var file = Path.Combine(folder, "operators", "bob.json");
        Assert.Equal(1, (int)Change(file, json => { })["format"]!);
        Change(file, json => json.Remove("format"));
        Assert.Equal("bob", store.Load("bob")!.Name);
        Change(file, json => json["format"] = 9);
        var before = File.ReadAllText(file);
        Assert.Empty(store.LoadAll());
        Assert.Contains($"{file} is of format 9", Assert.Single(store.Unreadable), StringComparison.Ordinal);
        Assert.Throws<RecordFormatException>(() => store.Load("bob"));
        Assert.Null(store.Find("bob"));
        Assert.Throws<RecordFormatException>(() => store.Save(Bob(OperatorRole.Viewer)));
        Assert.Equal(before, File.ReadAllText(file));
    }

    [Fact]
    public void What_add_ons_brought_is_read_without_a_format_and_refused_with_a_newer_one()
    {
        var file = Path.Combine(folder, ".applied.json");
        var objects = new AppliedObjects(file, NullLogger.Instance);
        File.WriteAllText(file, """[{"File":"a.yaml","Name":{"ApiVersion":"v1","Kind":"ConfigMap","Namespace":"default","Name":"a"}}]""");
        var brought = Assert.Single(objects.Load());
        Assert.Equal(new Applied("a.yaml", new ObjectName("v1", "ConfigMap", "default", "a")), brought);
        objects.Save([brought, brought]);
        Assert.Equal(1, (int)JsonNode.Parse(File.ReadAllText(file))!["format"]!);
        Assert.Equal([brought], objects.Load());

        Change(file, json => json["format"] = 2);
        var before = File.ReadAllText(file);
        Assert.Throws<RecordFormatException>(() => objects.Load());
        Assert.Throws<RecordFormatException>(() => objects.Save([]));
        Assert.Equal(before, File.ReadAllText(file));
    }

    [Fact]
    public void A_newer_line_of_the_audit_log_is_told_stays_as_it_is_and_is_not_taken_for_one_of_ours()
    {
        var log = new AuditLog(folder, TimeProvider.System, NullLogger<AuditLog>.Instance);
        Ask("machines rename");
        var file = Path.Combine(folder, "audit.jsonl");
        var ours = Assert.Single(File.ReadAllLines(file));
        // All that we know of it is there, and means something else: a newer version knows what.
        var newer = ours.Replace("\"format\":1", "\"format\":2", StringComparison.Ordinal)
            .Replace("machines rename", "machines remove", StringComparison.Ordinal);
        var damaged = ours.Replace("\"format\":1", "\"format\":-1", StringComparison.Ordinal);
        File.AppendAllLines(file, [newer, """{"format":3,"entry":[]}""", damaged]);
        var before = File.ReadAllText(file);
        Ask("machines label");
        var found = log.Read(default, null, 10);
        Assert.Equal(["machines rename", "machines label"], found.Entries.Select(entry => entry.Operation));
        Assert.Equal((2, 1), (found.Newer, found.Damaged));
        Assert.StartsWith(before, File.ReadAllText(file), StringComparison.Ordinal);

        void Ask(string operation) => Assert.True(log.Asked(log.Describe("bob", "operator", "192.0.2.7", operation, [])));
    }

    private string MachineFile => Path.Combine(folder, "machines", Id + ".json");

    private MachineStore Machines() =>
        new(Directory.CreateDirectory(Path.Combine(folder, "machines")).FullName, NullLogger<MachineStore>.Instance);

    private static MachineRecord Record() =>
        new() { Id = Id, Standing = MachineStanding.Admitted, Inventory = TestController.Machine(1), FirstSeen = DateTimeOffset.UtcNow };

    private static OperatorRecord Bob(OperatorRole role) =>
        new() { Name = "bob", Role = role, Created = DateTimeOffset.UtcNow, CreatedBy = "setup", Life = TimeSpan.FromDays(1) };

    private static JsonObject Change(string path, Action<JsonObject> change)
    {
        var json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        change(json);
        File.WriteAllText(path, json.ToJsonString(new() { WriteIndented = true }));
        return json;
    }
}
