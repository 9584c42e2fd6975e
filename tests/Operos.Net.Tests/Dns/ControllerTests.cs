using Operos.Lab;

namespace Operos.Net.Tests.Dns;

/// <summary>The controller's own binary serves the names of the machines that it knows.</summary>
[Collection(Lanes.Names)]
public sealed class ControllerTests
{
    [Fact]
    public async Task A_machine_has_its_UUID_and_its_operators_name()
    {
        await using var service = await BootService.StartAsync(configuration: "[dns]\nenabled = true\n");
        var id = Assert.Single(await service.Controller.MachinesAsync(default)).Id;
        await UntilAsync(service, $"{id}.machines.operos.internal", "10.77.0.1");
        await service.Controller.CtlAsync(["machines", "rename", id, "head"], default);
        await UntilAsync(service, "head.machines.operos.internal", "10.77.0.1");
        var status = await service.Controller.CtlAsync(["status"], default);
        Assert.Contains("unbound    ok", status, StringComparison.Ordinal);
        Assert.Contains("knot       ok", status, StringComparison.Ordinal);
    }

    private static async Task UntilAsync(BootService service, string name, string address)
    {
        var wait = new Wait($"{name} is {address}", TimeSpan.FromSeconds(20)) { LooksAgain = true, Logs = [service.Controller.LogPath] };
        await wait.UntilAsync(async () =>
        {
            var got = await Dig.AskAsync(service.Client, name, "A");
            return got.Answer.Any(record => record.Data == address) ? true : throw new LabException(got.Text.ReplaceLineEndings(" "));
        });
    }
}
