using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Operos.Controller.Configuration;
using Operos.Hardware.Inventories;
using Operos.Proto;

namespace Operos.Controller.Tests;

/// <summary>Who is told to leave the cluster, and with that to end its pods: a machine that an operator removed, and nobody else.</summary>
public sealed class RemovedMachineTests : IDisposable
{
    private const string Key = "boot-1";
    private readonly string folder = Directory.CreateTempSubdirectory("operos-removed-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_machine_that_an_operator_removed_is_told_so_until_it_is_let_in_again_and_nobody_who_copied_it_is()
    {
        await using var controller = new TestController();
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1), Key);
        await controller.LeaveAsync(id, connection);
        await controller.OperateAsync<Done>(new RemoveMachine { Machine = id });
        Assert.True(controller.Registry.WasRemoved(id));
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var copied = await controller.EnrolAsync(TestController.Machine(1), Key, other);
        Assert.Equal((Admission.Pending, false), (copied.Admission, copied.Removed));
        var told = await controller.EnrolAsync(TestController.Machine(1), Key);
        Assert.Equal((Admission.Pending, true), (told.Admission, told.Removed));
        await controller.OperateAsync<Done>(new ApproveMachine { Machine = told.MachineId });
        var back = await controller.EnrolAsync(TestController.Machine(1), Key);
        Assert.Equal((Admission.Admitted, false), (back.Admission, back.Removed));
        Assert.False(controller.Registry.WasRemoved(id));
    }

    [Theory]
    [InlineData(true), InlineData(false)]
    public async Task That_it_was_removed_outlives_the_controller_also_where_its_record_holds_no_key(bool holdsKey)
    {
        string id;
        var keep = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await using (var controller = new TestController(folder: folder))
        {
            (id, var connection, _) = await controller.JoinAsync(TestController.Machine(1), Key, key: keep);
            await controller.LeaveAsync(id, connection);
            await controller.OperateAsync<Done>(new RemoveMachine { Machine = id });
        }
        var path = Path.Combine(folder, "machines/removed", id + ".json");
        var record = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        Assert.True(record.Remove("keyHash", out var kept) && kept is not null);
        if (!holdsKey) File.WriteAllText(path, record.ToJsonString());
        await using var again = new TestController(folder: folder);
        Assert.True(again.Registry.WasRemoved(id));
        Assert.True((await again.EnrolAsync(TestController.Machine(1), Key, keep)).Removed);
    }

    [Fact]
    public async Task Pending_rejected_ambiguous_and_refused_machines_and_those_of_a_lost_registry_keep_their_pods()
    {
        await using var controller = new TestController(AdmissionPolicy.Approve);
        const string Node = "9d0b5a0e-0d9c-5d5f-9d6c-3c5e0c6f9a11";
        // As after an older registry was restored: the machine is a node that nobody knows.
        var waits = await EnrolAsync(controller, Node);
        Assert.Equal((Admission.Pending, false), (waits.Admission, waits.Removed));
        var list = await controller.OperateAsync<MachineList>(new ListMachines());
        Assert.Contains($"it says that it is node {Node}, which this registry does not know, and that its pods run on",
            Assert.Single(list.Machines).Note, StringComparison.Ordinal);
        Assert.False(controller.Registry.WasRemoved(Node));
        await controller.OperateAsync<Done>(new RejectMachine { Machine = waits.MachineId });
        var rejected = await EnrolAsync(controller, Node);
        Assert.Equal((Admission.Rejected, false), (rejected.Admission, rejected.Removed));
        // Let in, it is the node that it was, also where its parts would give it another name today.
        await controller.OperateAsync<Done>(new ApproveMachine { Machine = waits.MachineId });
        var back = await EnrolAsync(controller, Node);
        Assert.Equal((Admission.Admitted, Node), (back.Admission, back.MachineId));

        var id = await JoinAsync(controller, 2);
        var live = await controller.EnrolAsync(TestController.Machine(2), "boot-2");
        Assert.Equal((Admission.DuplicateLive, id, false), (live.Admission, live.MachineId, live.Removed));
        await JoinAsync(controller, 3);
        var (two, three) = (TestController.Machine(2), TestController.Machine(3));
        var doubtful = await controller.EnrolAsync(
            new Inventory { System = two.System, Board = two.Board, Nics = three.Nics, Disks = three.Disks });
        Assert.Equal((Admission.Ambiguous, false), (doubtful.Admission, doubtful.Removed));
    }

    [Fact]
    public async Task A_node_that_a_lost_registry_does_not_know_waits_under_auto_too_and_ends_its_pods_once_it_is_removed()
    {
        await using var controller = new TestController(AdmissionPolicy.Auto);
        // Its parts would give it another id today, under which its pods would end.
        const string Node = "9d0b5a0e-0d9c-5d5f-9d6c-3c5e0c6f9a11";
        var waits = await EnrolAsync(controller, Node);
        Assert.Equal((Admission.Pending, false), (waits.Admission, waits.Removed));
        controller.Registry.Remove(waits.MachineId);
        Assert.True((await EnrolAsync(controller, Node)).Removed);
    }

    [Theory]
    [InlineData("\u001b[31m"), InlineData("node-1"), InlineData("")]
    public async Task What_is_no_name_of_a_Node_of_ours_is_not_repeated(string node)
    {
        await using var controller = new TestController(AdmissionPolicy.Approve);
        await EnrolAsync(controller, node);
        Assert.Null(Assert.Single(controller.Registry.All).Reason);
    }

    private static async Task<EnrolReply> EnrolAsync(TestController controller, string node)
    {
        var machine = TestController.Machine(1);
        await using var connection = await controller.ConnectAsync();
        var csr = TestController.Csr(controller.KeyOf(machine, Key));
        return await connection.CallAsync<EnrolReply>(
            new Enrol { Csr = csr, Inventory = machine.ToJson(), BootRecord = [], BootId = Key, Node = node }, default);
    }

    /// <summary>Its agent answers from then on.</summary>
    private static async Task<string> JoinAsync(TestController controller, int number)
    {
        var waits = await controller.EnrolAsync(TestController.Machine(number), Key);
        await controller.OperateAsync<Done>(new ApproveMachine { Machine = waits.MachineId });
        return (await controller.JoinAsync(TestController.Machine(number), Key, (_, _) => new(new Done { Text = "" }))).Id;
    }
}
