using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Operos.Controller.Audit;
using Operos.Controller.Operations;
using Operos.Controller.Operators;
using Microsoft.Extensions.Logging.Abstractions;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Tests;

/// <summary>What operators ask for, whoever carries it to the controller, and what the audit log has of it.</summary>
public sealed class OperationTests : IDisposable
{
    private static readonly UnixFileMode OwnersFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private readonly string folder = Directory.CreateTempSubdirectory("operos-operations-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task An_operation_is_the_same_without_the_wire_and_asks_who_may()
    {
        await using var controller = new TestController();
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1));
        await using var session = connection;
        var viewer = new Caller("vera", OperatorRole.Viewer, "192.0.2.7");
        var refused = await Assert.ThrowsAsync<RefusedException>(() =>
            controller.Operations.RunAsync(new RenameMachine { Machine = id, Name = "one" }, viewer, default));
        Assert.Equal((RefusalKind.Forbidden, "vera is a viewer; machines rename takes an operator"), (refused.Kind, refused.Message));
        var list = Assert.IsType<MachineList>(await controller.Operations.RunAsync(new ListMachines(), viewer, default));
        Assert.Null(Assert.Single(list.Machines).Name);
        var done = await controller.Operations.RunAsync(new RenameMachine { Machine = id, Name = "one" },
            viewer with { Role = OperatorRole.Operator }, default);
        Assert.Equal("one is named one", Assert.IsType<Done>(done).Text);
        Assert.Equal("one", controller.Registry.Get(id)!.Name);
    }

    [Fact]
    public async Task What_changes_something_is_in_the_audit_log_done_or_refused_and_what_shows_is_not()
    {
        await using var controller = new TestController();
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1));
        await using var session = connection;
        await controller.OperateAsync<MachineList>(new ListMachines());
        await controller.OperateAsync<Done>(new RenameMachine { Machine = id, Name = "one" });
        await Assert.ThrowsAsync<ControlFaultException>(() => controller.OperateAsync<Done>(new RejectMachine { Machine = "one" }));
        await Assert.ThrowsAsync<ControlFaultException>(() => controller.OperateAsync<Done>(
            new LabelMachine { Machine = "one", Set = new Dictionary<string, string> { ["\u001b[2Jred"] = new('x', 4000) } }));
        var list = await controller.OperateAsync<AuditList>(new ListAudit());
        Assert.Equal(["machines rename", "machines reject", "machines label"], list.Records.Select(record => record.Operation));
        Assert.Equal(["done", "refused", "refused"], list.Records.Select(record => record.Outcome));
        Assert.All(list.Records, record => Assert.Equal(("admin", "admin", "127.0.0.1"), (record.User, record.Role, record.From)));
        Assert.Equal((id, "one"), (list.Records[0].Arguments["machine"], list.Records[0].Arguments["name"]));
        Assert.Equal($"{id} is admitted", list.Records[1].Text);
        var words = list.Records[2].Arguments["set"];
        Assert.StartsWith("[2Jred=xxx", words, StringComparison.Ordinal);
        Assert.Equal(256, words.Length);
    }

    /// <summary>What an operator says is recorded as it was said; certificates, and how the answer is wanted, are not.</summary>
    [Fact]
    public async Task Each_operation_s_arguments_are_in_its_record_with_their_values()
    {
        string[] unrecorded = ["Csr", "Detach"];
        await using var controller = new TestController();
        var changing = controller.Operations.All.Where(operation => operation.Changes).ToList();
        Assert.True(changing.Count >= 14, $"only {changing.Count} operations change something");
        foreach (var operation in changing)
        {
            var input = (Message)Activator.CreateInstance(operation.Input)!;
            foreach (var property in operation.Input.GetProperties().Where(property => property.CanWrite))
                property.SetValue(input, Sample(property.PropertyType, property.Name));
            var recorded = operation.Record(input).Where(argument => argument.Value is not null).ToList();
            var text = string.Join(' ', recorded.Select(argument => $"{argument.Name}={argument.Value}"));
            foreach (var property in operation.Input.GetProperties().Where(property => property.CanWrite
                && !unrecorded.Contains(property.Name)))
                Assert.True(text.Contains(Expected(property.PropertyType, property.Name), StringComparison.OrdinalIgnoreCase),
                    $"{operation.Name}: nothing of {property.Name} in '{text}'");
            Assert.DoesNotContain("System.", text, StringComparison.Ordinal);
            Assert.DoesNotContain("Operos.", text, StringComparison.Ordinal);
        }

        static object Sample(Type type, string name) => type switch
        {
            _ when type == typeof(string) => $"the-{name}",
            _ when type == typeof(bool) => true,
            _ when type == typeof(int) || type == typeof(int?) => 4711,
            _ when type == typeof(long) => 4711L,
            _ when type == typeof(IReadOnlyList<int>) => new[] { 4711 },
            _ when type == typeof(byte[]) => new byte[] { 1, 2, 3 },
            _ when type == typeof(OperatorRole) => OperatorRole.Viewer,
            _ when type == typeof(IReadOnlyList<string>) => new[] { $"the-{name}" },
            _ when type == typeof(IReadOnlyDictionary<string, string>) => new Dictionary<string, string> { ["key"] = $"the-{name}" },
            _ => throw new NotSupportedException($"{name} is of a type that this test does not know: {type}"),
        };

        static string Expected(Type type, string name) => type == typeof(bool) ? $"{name}=yes"
            : type == typeof(int) || type == typeof(int?) || type == typeof(long) || type == typeof(IReadOnlyList<int>) ? "4711"
            : type == typeof(OperatorRole) ? "viewer" : $"the-{name}";
    }

    [Fact]
    public async Task The_audit_log_is_the_admins_survives_a_restart_and_holds_no_secret()
    {
        await using (var controller = new TestController(folder: folder))
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            await controller.OperateAsync<OperatorCredentials>(
                new AddOperator { Name = "bob", Role = OperatorRole.Viewer, Csr = TestController.Csr(key) });
            var bob = new Caller("bob", OperatorRole.Operator, "192.0.2.7");
            Assert.Equal(RefusalKind.Forbidden, (await Assert.ThrowsAsync<RefusedException>(
                () => controller.Operations.RunAsync(new ListAudit(), bob, default))).Kind);
        }
        var path = Path.Combine(folder, "operations", "audit.jsonl");
        Assert.Equal(OwnersFile, File.GetUnixFileMode(path));
        Assert.DoesNotContain("csr", await File.ReadAllTextAsync(path), StringComparison.OrdinalIgnoreCase);
        await using var again = new TestController(folder: folder);
        var added = Assert.Single((await again.OperateAsync<AuditList>(new ListAudit())).Records);
        Assert.Equal(("operators add", "bob", "viewer", "done"),
            (added.Operation, added.Arguments["name"], added.Arguments["role"], added.Outcome));
        Assert.Empty((await again.OperateAsync<AuditList>(new ListAudit { User = "bob" })).Records);
    }

    [Fact]
    public void A_line_that_a_power_cut_tore_is_skipped_said_and_swallows_none_after_it()
    {
        Append(Log(), "first");
        var path = Path.Combine(folder, "audit.jsonl");
        using (var file = new FileStream(path, FileMode.Open)) file.SetLength(file.Length - 9);
        Append(Log(), "second");
        var found = Log().Read(default, null, 10);
        Assert.Equal(1, found.Damaged);
        // Of the first one its asking is left: its end was torn.
        Assert.Equal([("first", null), ("second", AuditOutcome.Done)],
            found.Entries.Select(entry => (entry.Operation, entry.Outcome)));
    }

    [Fact]
    public void The_audit_log_is_bounded_and_the_newest_stay()
    {
        var log = Log(largest: 4000);
        for (var number = 0; number < 200; number++) Append(log, $"{number}");
        var files = Directory.GetFiles(folder);
        Assert.Equal(["audit.1.jsonl", "audit.2.jsonl", "audit.3.jsonl", "audit.4.jsonl", "audit.jsonl"],
            files.Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.All(files, file => Assert.True(new FileInfo(file).Length <= 4000, file));
        Assert.All(files, file => Assert.Equal(OwnersFile, File.GetUnixFileMode(file)));
        var found = log.Read(default, null, 20);
        Assert.True(found.More);
        Assert.Equal(Enumerable.Range(180, 20).Select(number => $"{number}"), found.Entries.Select(entry => entry.Operation));
        // Every line is whole, whatever file it is in.
        foreach (var line in files.SelectMany(File.ReadLines)) Assert.Equal(1, (int)JsonNode.Parse(line)!["format"]!);
    }

    [Fact]
    public async Task A_disk_that_takes_nothing_keeps_nobody_from_reading_or_rebooting_and_gives_nobody_power()
    {
        await using var controller = new TestController();
        var rebooted = 0;
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1), handler: (request, _) =>
        {
            if (request is Reboot) Interlocked.Increment(ref rebooted);
            return ValueTask.FromResult<Message>(new Done { Text = "" });
        });
        await using var session = connection;
        await controller.OperateAsync<MachineList>(new ListMachines());
        Fill(controller.Folder, "machines", "operators");
        Directory.CreateDirectory(Path.Combine(controller.Folder, "operations"));
        File.CreateSymbolicLink(Path.Combine(controller.Folder, "operations/audit.jsonl"), "/dev/full");
        // More than the hour after which it is written down when an operator was seen.
        controller.Clock.Ahead = TimeSpan.FromHours(2);
        Assert.Single((await controller.OperateAsync<MachineList>(new ListMachines())).Machines);
        Assert.Contains("raises an alarm", (await controller.OperateAsync<Done>(new RebootMachine { Machine = id })).Text,
            StringComparison.Ordinal);
        Assert.Equal(1, rebooted);
        var audit = Assert.Single((await controller.OperateAsync<StatusReply>(new ShowStatus())).Components, part => part.Name == "audit");
        Assert.False(audit.Healthy);
        Assert.Contains("No space left", audit.Text, StringComparison.Ordinal);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var refused = await Assert.ThrowsAsync<ControlFaultException>(() => controller.OperateAsync<OperatorCredentials>(
            new AddOperator { Name = "bob", Role = OperatorRole.Admin, Csr = TestController.Csr(key) }));
        Assert.Contains("the audit log cannot be written", refused.Message, StringComparison.Ordinal);
    }

    /// <summary>Takes folders away from who writes in them: every write fails, whoever asks for it, root too.</summary>
    private static void Fill(string state, params string[] folders)
    {
        foreach (var name in folders)
        {
            Directory.Delete(Path.Combine(state, name), recursive: true);
            File.WriteAllText(Path.Combine(state, name), "");
        }
    }

    private static void Append(AuditLog log, string operation)
    {
        var entry = log.Describe("bob", "operator", "192.0.2.7", operation, []);
        Assert.True(log.Asked(entry));
        log.Ended(entry, AuditOutcome.Done, "done");
    }

    private AuditLog Log(long largest = 1 << 20) => new(folder, TimeProvider.System, NullLogger<AuditLog>.Instance, largest);
}
