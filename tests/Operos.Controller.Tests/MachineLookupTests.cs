using Operos.Controller.Machines;
using Operos.Hardware.Inventories;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Tests;

/// <summary>How operators call machines, and which they have listed.</summary>
public sealed class MachineLookupTests
{
    private static readonly IReadOnlyList<MachineRecord> Machines =
    [
        Record("402fce53-3779-8c9f-ac73-4c34a31fc2bc", "rack1-1", "10.77.0.129", "3c:ec:ef:00:00:0a"),
        Record("402fce53-aaaa-8c9f-ac73-4c34a31fc2bc", null, "10.77.0.130", "3c:ec:ef:00:00:0b"),
        // A name that is the start of another's UUID.
        Record("99990000-0000-8c9f-ac73-4c34a31fc2bc", "402f", "10.77.0.131", "3c:ec:ef:00:00:0c"),
    ];

    [Theory]
    [InlineData("rack1-1", 0)]
    [InlineData("RACK1-1", 0)]
    [InlineData("402fce53-3779-8c9f-ac73-4c34a31fc2bc", 0)]
    [InlineData("402FCE53-3779-8C9F-AC73-4C34A31FC2BC", 0)]
    [InlineData("402fce5337798c9fac734c34a31fc2bc", 0)]
    [InlineData("402fce53-3", 0)]
    [InlineData("402FCE53-A", 1)]
    [InlineData("10.77.0.130", 1)]
    [InlineData(" 10.77.0.130 ", 1)]
    [InlineData("3c:ec:ef:00:00:0b", 1)]
    [InlineData("3C:EC:EF:00:00:0B", 1)]
    [InlineData("3C-EC-EF-00-00-0B", 1)]
    [InlineData("3cec.ef00.000b", 1)]
    [InlineData("3CECEF00000B", 1)]
    [InlineData("402f", 2)]
    public void A_machine_is_found_by_name_uuid_address_and_mac_in_any_case_and_notation(string called, int expected) =>
        Assert.Same(Machines[expected], MachineLookup.Find(Machines, called));

    [Fact]
    public void What_may_be_several_is_refused_and_each_of_them_is_named()
    {
        var refused = Assert.Throws<RefusedException>(() => MachineLookup.Find(Machines, "402FCE53"));
        Assert.Equal((RefusalKind.Conflict, $"'402FCE53' may be 2 machines: {Machines[0].Id} (rack1-1), {Machines[1].Id}"),
            (refused.Kind, refused.Message));
    }

    [Theory]
    [InlineData("")]
    [InlineData("402")]
    [InlineData("77")]
    [InlineData("10.77.0.13")]
    [InlineData("3cecef00000")]
    [InlineData("zzzz")]
    [InlineData("\u001b[2Jx")]
    public void What_is_no_machine_is_told_with_what_is_understood(string called)
    {
        var refused = Assert.Throws<RefusedException>(() => MachineLookup.Find(Machines, called));
        Assert.Equal(RefusalKind.NotFound, refused.Kind);
        Assert.DoesNotContain('\u001b', refused.Message);
        Assert.Contains("address and MAC", refused.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lists_hold_the_machines_that_fit_and_say_that_there_are_others()
    {
        await using var controller = new TestController();
        var ids = new List<string>();
        var connections = new List<ControlConnection>();
        for (var number = 1; number <= 3; number++)
        {
            var (id, connection, _) = await controller.JoinAsync(TestController.Machine(number));
            ids.Add(id);
            connections.Add(connection);
        }
        await controller.LeaveAsync(ids[2], connections[2]);
        await LabelAsync(ids[0], ("rack", "r1"), ("gpu", "yes"));
        await LabelAsync(ids[1], ("rack", "r2"));
        Assert.Equal([ids[0], ids[1]], await ListAsync(new ListMachines { States = ["up"] }));
        Assert.Equal([ids[2]], await ListAsync(new ListMachines { States = ["down", "rebooting"] }));
        Assert.Equal([ids[0]], await ListAsync(new ListMachines { Labels = ["rack=r1"] }));
        Assert.Equal([ids[0]], await ListAsync(new ListMachines { Labels = ["gpu"] }));
        Assert.Equal([ids[1], ids[2]], await ListAsync(new ListMachines { Labels = ["!gpu"] }));
        Assert.Equal([ids[1], ids[2]], await ListAsync(new ListMachines { Labels = ["rack!=r1"] }));
        Assert.Equal([ids[1]], await ListAsync(new ListMachines { Labels = ["rack", "rack!=r1"] }));
        Assert.Empty(await ListAsync(new ListMachines { Kind = "controller" }));
        Assert.True((await controller.OperateAsync<MachineList>(new ListMachines { Kind = "controller" })).HasOthers);
        Assert.False((await controller.OperateAsync<MachineList>(new ListMachines())).HasOthers);
        foreach (var bad in (ListMachines[])[new() { States = ["off"] }, new() { Labels = ["=x"] }, new() { Kind = "node" }])
            Assert.Equal(FaultCode.BadRequest, (await Assert.ThrowsAsync<ControlFaultException>(
                () => controller.OperateAsync<MachineList>(bad))).Code);
        foreach (var connection in connections) await connection.DisposeAsync();

        Task<Done> LabelAsync(string machine, params (string Key, string Value)[] labels) => controller.OperateAsync<Done>(
            new LabelMachine { Machine = machine, Set = labels.ToDictionary(label => label.Key, label => label.Value) });

        async Task<IReadOnlyList<string>> ListAsync(ListMachines asked) =>
            [.. (await controller.OperateAsync<MachineList>(asked)).Machines.Select(machine => machine.Id).OrderBy(ids.IndexOf)];
    }

    private static MachineRecord Record(string id, string? name, string address, string mac) => new()
    {
        Id = id, Name = name, Standing = MachineStanding.Admitted, Address = address, FirstSeen = DateTimeOffset.UtcNow,
        Inventory = new Inventory { Nics = [new Nic { Mac = mac }] },
    };
}
