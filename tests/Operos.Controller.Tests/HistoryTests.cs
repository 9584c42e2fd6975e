using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Operos.Boot;
using Operos.Controller.Boot;
using Operos.Controller.Machines;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Tests;

/// <summary>What happened, after the agent has ended and the machine was removed.</summary>
public sealed class HistoryTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("operos-history-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Events_outlive_the_agent_and_the_machine()
    {
        string id;
        await using (var controller = new TestController(folder: folder))
        {
            (id, var connection, _) = await controller.JoinAsync(TestController.Machine(1));
            await controller.OperateAsync<Done>(new RenameMachine { Machine = id, Name = "rack1" });
            await controller.OperateAsync<Done>(new RemoveMachine { Machine = id });
            await connection.DisposeAsync();
        }
        await using var again = new TestController(folder: folder);
        Assert.Empty(again.Registry.All);
        foreach (var called in (string[])[id, id[..8].ToUpperInvariant(), ""])
        {
            var told = (await again.OperateAsync<EventList>(new ListEvents { Machine = called })).Events;
            Assert.Equal(["admitted by the policy auto", "booted, address 127.0.0.1", "named rack1", "removed by an operator"],
                told.Select(happened => happened.Text));
            Assert.All(told, happened => Assert.Equal(id, happened.Machine));
            Assert.Equal("rack1", told[^1].Name);
        }
        Assert.Equal(2, (await again.OperateAsync<EventList>(new ListEvents { Machine = "rack1" })).Events.Count);
        var refused = await Assert.ThrowsAsync<ControlFaultException>(
            () => again.OperateAsync<EventList>(new ListEvents { Machine = "nobody" }));
        Assert.Equal((FaultCode.NotFound, "no machine 'nobody', and nothing is remembered of one that was removed"),
            (refused.Code, refused.Message));
        Assert.Empty((await again.OperateAsync<EventList>(
            new ListEvents { SinceUnixMs = DateTimeOffset.UtcNow.AddMinutes(1).ToUnixTimeMilliseconds() })).Events);
    }

    [Fact]
    public async Task When_a_machine_went_is_remembered_and_that_the_controller_itself_did_is_told_of_no_machine()
    {
        const string gone = "its connection ended: it goes down, or is cut off";
        string first, second;
        await using (var controller = new TestController(folder: folder))
        {
            (first, var connection, _) = await controller.JoinAsync(TestController.Machine(1));
            (second, _, _) = await controller.JoinAsync(TestController.Machine(2));
            await controller.LeaveAsync(first, connection);
        }
        await using var again = new TestController(folder: folder);
        Assert.Equal(gone, (await again.OperateAsync<EventList>(new ListEvents { Machine = first })).Events[^1].Text);
        Assert.DoesNotContain((await again.OperateAsync<EventList>(new ListEvents { Machine = second })).Events,
            happened => happened.Text == gone);
    }

    [Fact]
    public void Events_are_bounded_those_of_strangers_are_not_kept_and_damage_is_passed_by()
    {
        var clock = new TestClock();
        var log = Log(clock);
        var machine = new MachineRecord { Id = "m1", Standing = MachineStanding.Admitted, FirstSeen = clock.GetUtcNow(),
            Inventory = TestController.Machine(1) };
        for (var number = 0; number < 500; number++)
            log.Add(machine, new RecordedEvent(clock.GetUtcNow().AddSeconds(number), $"event {number}"));
        var stranger = machine with { Id = "stranger", Standing = MachineStanding.Pending };
        log.Add(stranger, new RecordedEvent(clock.GetUtcNow().AddHours(1), "asked to join"));
        Assert.Equal(5, Directory.GetFiles(folder).Length);
        Assert.All(Directory.GetFiles(folder), file => Assert.True(new FileInfo(file).Length <= 4000, file));
        var (kept, more) = log.Read(_ => true, 10);
        Assert.True(more);
        Assert.Equal(Enumerable.Range(490, 10).Select(number => $"event {number}"), kept.Select(happened => happened.Text));

        // The same again and again is told once a minute: a machine that crashes whenever it is up is no single event.
        for (var number = 0; number < 3; number++) log.Add(machine, new RecordedEvent(clock.GetUtcNow(), "again"));
        clock.Ahead = TimeSpan.FromMinutes(2);
        log.Add(machine, new RecordedEvent(clock.GetUtcNow(), "again"));
        Assert.Equal(2, log.Read(happened => happened.Text == "again", 10).Events.Count);

        File.AppendAllText(Path.Combine(folder, "events.jsonl"), "{\"format\":99,\"machine\":\"m1\"}\nnull\n{\"at\":\"torn");
        log = Log(clock);
        log.Add(machine, new RecordedEvent(clock.GetUtcNow().AddHours(1), "after the power cut"));
        Assert.Equal("after the power cut", log.Read(_ => true, 1).Events[0].Text);
    }

    [Fact]
    public async Task What_machines_fetched_is_known_to_the_next_agent_and_a_damaged_record_is_none()
    {
        var first = new BootWatch(TimeProvider.System);
        var address = IPAddress.Parse("10.77.0.129");
        var before = await RunAsync(first, () => first.Begin(address, "/releases/1.0/vmlinuz", 4711).Add(4000));
        var second = new BootWatch(TimeProvider.System);
        await RunAsync(second, () => { });
        var (client, transfer) = Assert.Single(second.Transfers);
        Assert.Equal((address, "/releases/1.0/vmlinuz", 4711, 4000, before[0].Transfer.LastUnixMs),
            (client, transfer.Path, transfer.Total, transfer.Sent, transfer.LastUnixMs));
        await File.WriteAllTextAsync(Path.Combine(folder, "boots.json"), "{\"fetched\":[{}");
        var third = new BootWatch(TimeProvider.System);
        await RunAsync(third, () => { });
        Assert.Empty(third.Transfers);
    }

    /// <summary>An agent's life, in which that happens.</summary>
    private async Task<IReadOnlyList<(IPAddress Client, BootTransfer Transfer)>> RunAsync(BootWatch watch, Action happens)
    {
        using var stop = new CancellationTokenSource();
        var running = new BootHistory(folder, watch, TimeProvider.System, NullLogger<BootHistory>.Instance).RunAsync(stop.Token);
        happens();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        return watch.Transfers;
    }

    private EventLog Log(TimeProvider clock) => new(folder, clock, NullLogger<EventLog>.Instance, largest: 4000);
}
