using System.Text.Json;

namespace Operos.Net.Tests.Dns;

/// <summary>The controller's own binary serves the names of the machines that it knows.</summary>
[Collection("net")]
public sealed class ControllerTests
{
    [Fact]
    public async Task A_machine_has_its_UUID_and_its_operators_name()
    {
        await using var service = await BootService.StartAsync(configuration: "[dns]\nenabled = true\n");
        using var json = JsonDocument.Parse(await service.Controller.CtlAsync(["machines", "list", "--json"], default));
        var id = json.RootElement.GetProperty("machines").EnumerateArray().Single().GetProperty("id").GetString()!;
        await UntilAsync(service, $"{id}.machines.operos.internal", "10.77.0.1");
        await service.Controller.CtlAsync(["machines", "rename", id, "head"], default);
        await UntilAsync(service, "head.machines.operos.internal", "10.77.0.1");
        var status = await service.Controller.CtlAsync(["status"], default);
        Assert.Contains("unbound    ok", status, StringComparison.Ordinal);
        Assert.Contains("knot       ok", status, StringComparison.Ordinal);
    }

    private static async Task UntilAsync(BootService service, string name, string address)
    {
        Dig? got = null;
        for (var attempt = 0; attempt < 100; attempt++)
        {
            got = await Dig.AskAsync(service.Client, name, "A");
            if (got.Answer.Any(record => record.Data == address)) return;
            await Task.Delay(100);
        }
        Assert.Fail($"{name} is not {address}: {got?.Text.ReplaceLineEndings(" ")}\n{await service.Controller.CtlAsync(["status"], default)}\n{string.Join('\n', File.ReadLines(service.Controller.LogPath).TakeLast(40))}");
    }
}
