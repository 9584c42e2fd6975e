using Operos.Proto;

namespace Operos.Controller.Tests;

public sealed class ClockTests
{
    private const long Minute = 60_000;

    [Fact]
    public async Task The_status_tells_how_far_each_machine_s_clock_is_off_the_farthest_first()
    {
        await using var controller = new TestController();
        var (near, first, _) = await controller.JoinAsync(TestController.Machine(1));
        var (behind, second, _) = await controller.JoinAsync(TestController.Machine(2), "boot-2");
        // It tells no time.
        var (_, third, _) = await controller.JoinAsync(TestController.Machine(3), "boot-3");
        await BeatAsync(first, "boot-1", 0);
        await BeatAsync(second, "boot-2", -5 * Minute);
        var clocks = (await controller.OperateAsync<StatusReply>(new ShowStatus())).Clocks;
        Assert.Equal([behind, near], clocks.Select(clock => clock.Id));
        Assert.InRange(clocks[0].AheadMs, -5 * Minute - 10_000, -5 * Minute);
        Assert.InRange(clocks[1].AheadMs, -10_000, 0);

        await BeatAsync(second, "boot-2", null);
        Assert.True((await controller.OperateAsync<StatusReply>(new ShowStatus())).Clocks[0].AheadMs > 0);
        foreach (var connection in new[] { first, second, third }) await connection.DisposeAsync();

        // Null for a clock that no calendar has.
        async Task BeatAsync(Proto.Connection.ControlConnection connection, string boot, long? ahead)
        {
            var clock = ahead is { } off ? controller.Clock.GetUtcNow().ToUnixTimeMilliseconds() + off : long.MaxValue;
            await connection.CallAsync<HeartbeatReply>(TestController.Beat(boot) with { UnixTimeMs = clock }, default);
        }
    }
}
