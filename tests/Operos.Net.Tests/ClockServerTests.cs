using System.Net;
using System.Net.Sockets;
using Operos.Lab;

namespace Operos.Net.Tests;

/// <summary>The controller serves time, and machines keep their clocks by it.</summary>
public sealed class ClockServerTests
{
    private const string Server = "10.77.0.2", Nobody = "10.77.0.9";

    [Fact]
    public async Task A_controller_without_a_time_server_serves_its_own_clock_and_a_machine_follows_that()
    {
        await using var rack = await ClockRack.CreateAsync("own", address: null);
        var machine = await rack.AddHostAsync();
        rack.Follow("machine", machine);
        var clock = rack.Serve(TimeProvider.System);
        await rack.UntilAsync("it serves its own clock", () =>
            Task.FromResult(clock.Status is (true, "the controller's own: time.servers names none", _)));
        // At power-on it may run before the network card has its address.
        await rack.GiveAddressAsync();
        await rack.UntilAsync("the machine follows the controller", "machine", state => state is
            { Source: ClockRack.Controller, Stratum: 11, IsSynchronised: true, BehindSeconds: > -1 and < 1 });
    }

    [Fact]
    public async Task A_controller_follows_the_server_that_its_operator_named_and_answers_the_machines_network_alone()
    {
        await using var rack = await ClockRack.CreateAsync("upstream");
        rack.StartServer("server", await rack.AddHostAsync(Server), stratum: 3);
        var clock = rack.Serve(TimeProvider.System, Server, Nobody);
        await rack.UntilAsync("the controller follows its server", "controller", state => state is { Source: Server, Stratum: 4 });
        await rack.UntilAsync("its status says so", () => Task.FromResult(
            clock.Status is (true, var text, _) && text.StartsWith($"by {Server}, stratum 4, ", StringComparison.Ordinal)));
        var (inside, outside) = (await rack.AddHostAsync(), await rack.AddHostAsync("192.0.2.9"));
        await outside.RunAsync("ip", ["route", "add", "10.77.0.0/24", "dev", "eth0"]);
        await rack.RouteAsync("192.0.2.0/24");
        await rack.UntilAsync("a machine is answered", async () => await AskAsync(inside) == 4);
        Assert.Null(await AskAsync(outside));
    }

    [Fact]
    public async Task Servers_that_do_not_answer_are_a_failure_that_machines_do_not_feel()
    {
        await using var rack = await ClockRack.CreateAsync("silent");
        var time = new LaterTime();
        var clock = rack.Serve(time, Nobody);
        rack.Follow("machine", await rack.AddHostAsync());
        const string told = $"the controller's own: no answer from {Nobody}";
        await rack.UntilAsync("it is told", () => Task.FromResult(clock.Status is (true, told, _)));
        await rack.UntilAsync("the machine follows the controller", "machine", state => state.Source == ClockRack.Controller);
        time.Later = TimeSpan.FromMinutes(3);
        Assert.True(clock.Status is (false, told, _), $"{clock.Status}");
    }

    /// <summary>The stratum that an NTP client is told (RFC 5905, 7.3); null where nobody answers.</summary>
    private static async Task<int?> AskAsync(ClientHost host)
    {
        using var socket = host.Open(SocketType.Dgram);
        var packet = new byte[48];
        packet[0] = 0x23;
        await socket.SendToAsync(packet, new IPEndPoint(IPAddress.Parse(ClockRack.Controller), 123));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        try
        {
            await socket.ReceiveAsync(packet, patience.Token);
            return packet[1];
        }
        catch (OperationCanceledException) { return null; }
    }

    private sealed class LaterTime : TimeProvider
    {
        public TimeSpan Later { get; set; }
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Later;
    }
}
