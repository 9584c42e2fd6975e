using Operos.Controller.Configuration;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Tests;

/// <summary>Programs of several releases and one controller.</summary>
public sealed class GreetingTests
{
    [Fact]
    public async Task A_newer_program_that_speaks_the_controllers_version_too_is_served_in_it()
    {
        await using var controller = new TestController(AdmissionPolicy.Auto);
        await using var connection = await controller.ConnectAsync(versions: new ProtocolVersions(1, 7));
        Assert.Equal(1, connection.Greeting!.ProtocolVersion);
        Assert.Equal("alive", (await connection.CallAsync<Done>(new Ping(), default)).Text);
    }

    [Fact]
    public async Task A_program_that_speaks_none_of_the_controllers_versions_is_told_both()
    {
        await using var controller = new TestController(AdmissionPolicy.Auto);
        var refused = await Assert.ThrowsAsync<ControlFaultException>(() => controller.ConnectAsync(versions: new ProtocolVersions(2, 3)));
        Assert.Equal((FaultCode.Version, "protocol version 2 to 3 is not 1"), (refused.Code, refused.Message));
    }
}
