using System.Text.Json.Nodes;
using Operos.Controller.Configuration;
using Operos.Proto;

namespace Operos.Controller.Tests;

/// <summary>A machine whose record cannot be read: nobody else becomes it, and the operator is told.</summary>
public sealed class UnreadableRecordTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("operos-unreadable-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"id":"ID","standing":"Admitted","inventory":null,"firstSeen":"2026-01-01T00:00:00Z"}""")]
    [InlineData("""{"id":"ID","standing":"Admitted","inventory":{"nics":[null]},"firstSeen":"2026-01-01T00:00:00Z"}""")]
    [InlineData("""{"id":"ID","standing":"Admitted","inventory":{},"events":[null],"firstSeen":"2026-01-01T00:00:00Z"}""")]
    [InlineData("""{"id":"ID","standing":"Admitted","inventory":{},"labels":null,"firstSeen":"2026-01-01T00:00:00Z"}""")]
    public async Task A_damaged_record_is_told_and_its_id_is_its_machine_s_own_until_an_operator_gives_it_back(string record)
    {
        var id = await JoinAsync();
        await File.WriteAllTextAsync(PathOf(id), record.Replace("ID", id, StringComparison.Ordinal));
        for (var start = 0; start < 2; start++)
        {
            await using var controller = new TestController(folder: folder);
            Assert.True(controller.Registry.Knows(id));
            Assert.False(controller.Registry.WasRemoved(id));
            var told = Assert.Single((await controller.OperateAsync<StatusReply>(new ShowStatus())).Components,
                part => part.Name == "records");
            Assert.False(told.Healthy);
            Assert.Contains(PathOf(id) + ".damaged", told.Text, StringComparison.Ordinal);
            var refused = await Assert.ThrowsAsync<Proto.Connection.ControlFaultException>(
                () => controller.OperateAsync<MachineDetail>(new ShowMachine { Machine = id }));
            Assert.Contains("cannot be read", refused.Message, StringComparison.Ordinal);
            // The policy lets everybody in, and not whoever may be this machine.
            var waits = await controller.EnrolAsync(TestController.Machine(1), "boot-2");
            Assert.Equal(Admission.Pending, waits.Admission);
            Assert.NotEqual(id, waits.MachineId);
            Assert.Contains($"the machine {id}, whose record", waits.Text, StringComparison.Ordinal);
        }
        await using var last = new TestController(folder: folder);
        var place = (await last.EnrolAsync(TestController.Machine(1), "boot-3")).MachineId;
        await last.OperateAsync<Done>(new ApproveMachine { Machine = place });
        var admitted = await last.EnrolAsync(TestController.Machine(1), "boot-3");
        Assert.Equal((Admission.Admitted, id), (admitted.Admission, admitted.MachineId));
        Assert.DoesNotContain((await last.OperateAsync<StatusReply>(new ShowStatus())).Components, part => part.Name == "records");
    }

    [Fact]
    public async Task A_newer_version_s_record_keeps_no_controller_from_starting_and_stays_with_its_id()
    {
        var id = await JoinAsync();
        var json = JsonNode.Parse(await File.ReadAllTextAsync(PathOf(id)))!;
        json["format"] = 2;
        await File.WriteAllTextAsync(PathOf(id), json.ToJsonString());
        var before = await File.ReadAllBytesAsync(PathOf(id));
        await using var controller = new TestController(folder: folder);
        var told = Assert.Single((await controller.OperateAsync<StatusReply>(new ShowStatus())).Components, part => part.Name == "records");
        Assert.Contains($"{PathOf(id)} is of format 2", told.Text, StringComparison.Ordinal);
        var place = (await controller.EnrolAsync(TestController.Machine(1), "boot-2")).MachineId;
        await controller.OperateAsync<Done>(new ApproveMachine { Machine = place });
        var admitted = await controller.EnrolAsync(TestController.Machine(1), "boot-2");
        Assert.Equal(Admission.Admitted, admitted.Admission);
        Assert.NotEqual(id, admitted.MachineId);
        Assert.Equal(before, await File.ReadAllBytesAsync(PathOf(id)));
        // Whoever is another machine comes in as ever.
        Assert.Equal(Admission.Admitted, (await controller.EnrolAsync(TestController.Machine(2))).Admission);
    }

    [Fact]
    public async Task Only_whom_an_operator_removed_was_removed_though_the_record_of_that_is_damaged()
    {
        var id = await JoinAsync();
        await using (var controller = new TestController(folder: folder)) controller.Registry.Remove(id);
        await File.WriteAllTextAsync(Path.Combine(folder, "machines/removed", id + ".json"), "{");
        await using var after = new TestController(folder: folder);
        Assert.True(after.Registry.WasRemoved(id));
        Assert.False(after.Registry.Knows(id));
        Assert.False(after.Registry.WasRemoved("0b5c9a53-6f0a-4f5e-8a43-3d6a1f6f9d11"));
    }

    [Fact]
    public async Task A_full_disk_keeps_no_machine_from_its_session_and_is_told()
    {
        await using var controller = new TestController(folder: folder);
        var (id, connection, certificate) = await controller.JoinAsync(TestController.Machine(1));
        await controller.LeaveAsync(id, connection);
        Directory.Delete(Path.Combine(folder, "machines"), recursive: true);
        await File.WriteAllTextAsync(Path.Combine(folder, "machines"), "");
        await using (var again = await controller.ConnectAsync(certificate))
        {
            await again.CallAsync<HeartbeatReply>(TestController.Beat("boot-1"), default);
            Assert.True(controller.Registry.Get(id)!.Connected);
            var told = Assert.Single((await controller.OperateAsync<StatusReply>(new ShowStatus())).Components,
                part => part.Name == "registry");
            Assert.False(told.Healthy);
            Assert.Contains("cannot be written down", told.Text, StringComparison.Ordinal);
        }
        File.Delete(Path.Combine(folder, "machines"));
        Directory.CreateDirectory(Path.Combine(folder, "machines"));
        await using var third = await controller.ConnectAsync(certificate);
        await third.CallAsync<HeartbeatReply>(TestController.Beat("boot-1"), default);
        Assert.DoesNotContain((await controller.OperateAsync<StatusReply>(new ShowStatus())).Components, part => part.Name == "registry");
        Assert.True(File.Exists(PathOf(id)));
    }

    private async Task<string> JoinAsync()
    {
        await using var controller = new TestController(AdmissionPolicy.Auto, folder);
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1));
        await controller.LeaveAsync(id, connection);
        return id;
    }

    private string PathOf(string id) => Path.Combine(folder, "machines", id + ".json");
}
