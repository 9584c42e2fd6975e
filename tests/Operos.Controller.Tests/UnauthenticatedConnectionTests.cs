using System.Net;
using System.Net.Sockets;
using Operos.Controller.Connections;
using Operos.Controller.Control;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Tests;

/// <summary>Who has shown no certificate that counts keeps nobody out who has one.</summary>
public sealed class UnauthenticatedConnectionTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    [Theory]
    [InlineData(1, 100)]
    [InlineData(20, 40)]
    public async Task Strangers_who_send_one_byte_and_stall_keep_no_known_machine_and_no_operator_out(int addresses, int connections)
    {
        await using var controller = new TestController();
        var (id, before, certificate) = await controller.JoinAsync(TestController.Machine(1));
        await before.DisposeAsync();
        await using var flood = new Flood(controller.Endpoint, addresses, connections);
        await flood.FullAsync();
        for (var round = 0; round < 3; round++)
        {
            await using var back = await InTimeAsync(controller.ConnectAsync(certificate));
            await InTimeAsync(back.CallAsync<HeartbeatReply>(TestController.Beat("boot-1"), default));
            Assert.Equal(id, Assert.Single((await InTimeAsync(controller.OperateAsync<MachineList>(new ListMachines()))).Machines).Id);
        }
        Assert.InRange(controller.Unauthenticated.Count, 1, 512);
    }

    [Fact]
    public async Task Strangers_who_finish_their_handshake_and_stay_keep_nobody_out_either()
    {
        await using var controller = new TestController();
        var (_, before, certificate) = await controller.JoinAsync(TestController.Machine(1));
        await before.DisposeAsync();
        var strangers = new List<ControlConnection>();
        try
        {
            for (var number = 0; number < 80; number++) strangers.Add(await controller.ConnectAsync());
            await using var back = await InTimeAsync(controller.ConnectAsync(certificate));
            await InTimeAsync(back.CallAsync<HeartbeatReply>(TestController.Beat("boot-1"), default));
            await InTimeAsync(controller.OperateAsync<MachineList>(new ListMachines()));
            // From one address, and neither the machine nor the operator is one of them.
            Assert.InRange(controller.Unauthenticated.Count, 60, 64);
            await strangers[0].Completion.WaitAsync(Soon);
        }
        finally { foreach (var stranger in strangers) await stranger.DisposeAsync(); }
    }

    [Fact]
    public async Task A_certificate_that_no_longer_counts_makes_a_stranger()
    {
        await using var controller = new TestController();
        var (id, before, certificate) = await controller.JoinAsync(TestController.Machine(1));
        Assert.Equal(0, controller.Unauthenticated.Count);
        await controller.OperateAsync<Done>(new RemoveMachine { Machine = id });
        await before.DisposeAsync();
        await using var back = await controller.ConnectAsync(certificate);
        Assert.Equal(1, controller.Unauthenticated.Count);
    }

    [Fact]
    public async Task A_known_machine_has_its_share_of_connections_and_no_more()
    {
        await using var controller = new TestController();
        var (_, first, certificate) = await controller.JoinAsync(TestController.Machine(1));
        var (_, other, _) = await controller.JoinAsync(TestController.Machine(2));
        var more = new List<ControlConnection>();
        try
        {
            for (var number = 0; number < OpenConnections.MostOfWorker; number++) more.Add(await controller.ConnectAsync(certificate));
            await first.Completion.WaitAsync(Soon);
            Assert.All(more, connection => Assert.False(connection.Completion.IsCompleted));
            await other.CallAsync<HeartbeatReply>(TestController.Beat("boot-1"), default);
        }
        finally { foreach (var connection in more.Append(other)) await connection.DisposeAsync(); }
    }

    [Fact]
    public void The_address_that_used_most_makes_room_and_of_it_who_lets_wait_longest()
    {
        var (clock, closed) = (new TestClock(), new List<string>());
        var strangers = new UnauthenticatedConnections(clock, most: 4, mostFromOneAddress: 2);
        UnauthenticatedConnection Enter(string name, string address) => strangers.Enter(IPAddress.Parse(address), () => closed.Add(name));

        strangers.Prove(Enter("known", "10.0.0.2"));
        var trickles = Enter("trickles", "10.0.0.1");
        clock.Ahead += TimeSpan.FromSeconds(3);
        // A byte now and then does not make it a quick one.
        trickles.Arrived();
        trickles.Wait();
        var quick = Enter("quick", "10.0.0.1");
        quick.Arrived();
        clock.Ahead += TimeSpan.FromSeconds(1);
        Enter("third", "10.0.0.1");
        Assert.Equal(["trickles"], closed);

        Enter("machine", "10.0.0.2");
        clock.Ahead += TimeSpan.FromSeconds(1);
        Enter("stalls", "10.0.0.3");
        Assert.Equal(4, strangers.Count);
        clock.Ahead += TimeSpan.FromSeconds(1);
        Enter("newcomer", "10.0.0.4");
        Assert.Equal(["trickles", "third"], closed);
        // It lets nobody wait, but the others of its address did.
        Enter("another", "10.0.0.5");
        Assert.Equal(["trickles", "third", "quick"], closed);
        // Of those left, the machine has kept us waiting longest; but from its address a certificate that counts was shown before.
        Enter("more", "10.0.0.6");
        Assert.Equal(["trickles", "third", "quick", "stalls"], closed);
    }

    [Theory]
    [InlineData("10.0.2.9")]
    [InlineData("10.0.1.250")]
    public void Busy_strangers_from_many_addresses_keep_out_nobody_who_comes_now_and_then(string address)
    {
        var (clock, turnedAway) = (new TestClock(), 0);
        var strangers = new UnauthenticatedConnections(clock, most: 64, mostFromOneAddress: 8);
        void Flood(int connections)
        {
            for (var number = 0; number < connections; number++)
            {
                clock.Ahead += TimeSpan.FromMilliseconds(10);
                // Its bytes are there at once, and it stays.
                strangers.Enter(IPAddress.Parse($"10.0.1.{1 + number % 200}"), () => { }).Arrived();
            }
        }
        Flood(6000);
        for (var attempt = 0; attempt < 10; attempt++)
        {
            // As a worker far away: three round trips of 100 ms between which the flood goes on, then an answer that takes a second.
            using var newcomer = strangers.Enter(IPAddress.Parse(address), () => turnedAway++);
            Flood(30);
            newcomer.Arrived();
            Flood(100);
            newcomer.Dispose();
            Flood(400);
        }
        Assert.Equal(0, turnedAway);
    }

    [Fact]
    public async Task Who_waits_for_our_answer_keeps_nobody_waiting()
    {
        var (clock, closed) = (new TestClock(), new List<string>());
        var strangers = new UnauthenticatedConnections(clock, most: 2, mostFromOneAddress: 2);
        UnauthenticatedConnection Enter(string name, string address) => strangers.Enter(IPAddress.Parse(address), () => closed.Add(name));

        var asks = Enter("asks", "10.0.0.1");
        var answer = new TaskCompletionSource<int>();
        var handling = asks.HandleAsync(() => new ValueTask<int>(answer.Task));
        clock.Ahead += TimeSpan.FromSeconds(5);
        Enter("stalls", "10.0.0.2");
        clock.Ahead += TimeSpan.FromSeconds(1);
        Enter("newcomer", "10.0.0.3").Arrived();
        Assert.Equal(["stalls"], closed);

        answer.SetResult(1);
        await handling;
        clock.Ahead += TimeSpan.FromSeconds(2);
        Enter("another", "10.0.0.4");
        Assert.Equal(["stalls", "asks"], closed);
    }

    [Fact]
    public async Task A_session_without_heartbeats_is_not_up()
    {
        await using var controller = new TestController();
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1));
        async Task<MachineSummary> ShowAsync() => (await controller.OperateAsync<MachineDetail>(new ShowMachine { Machine = id })).Summary;
        Assert.Equal("up", (await ShowAsync()).State);
        // Before it is down, it shows for how long it has been silent.
        controller.Clock.Ahead = TimeSpan.FromSeconds(20);
        var late = await ShowAsync();
        Assert.Equal("up", late.State);
        Assert.InRange(DateTimeOffset.UtcNow - DateTimeOffset.FromUnixTimeMilliseconds(late.LastSeenUnixMs), TimeSpan.Zero,
            TimeSpan.FromSeconds(19));
        controller.Clock.Ahead = TimeSpan.FromMinutes(1);
        var silent = await ShowAsync();
        Assert.Equal("down", silent.State);
        Assert.Contains("sends no heartbeats", silent.Note, StringComparison.Ordinal);
        Assert.InRange(DateTimeOffset.UtcNow - DateTimeOffset.FromUnixTimeMilliseconds(silent.LastSeenUnixMs), TimeSpan.Zero,
            TimeSpan.FromSeconds(30));
        await connection.CallAsync<HeartbeatReply>(TestController.Beat("boot-1"), default);
        Assert.Equal("up", (await ShowAsync()).State);
        await connection.DisposeAsync();
    }

    private static Task<T> InTimeAsync<T>(Task<T> task) => task.WaitAsync(Soon);

    /// <summary>
    /// Connections from many addresses of loopback that send the first byte of a handshake and no more; who is cut off comes again.
    /// </summary>
    private sealed class Flood : IAsyncDisposable
    {
        private readonly IPEndPoint target;
        private readonly int addresses, connections;
        private readonly CancellationTokenSource stop = new();
        private readonly Task running;
        private readonly TaskCompletionSource full = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Flood(IPEndPoint target, int addresses, int connections)
        {
            (this.target, this.addresses, this.connections) = (target, addresses, connections);
            running = Task.Run(RunAsync);
        }

        /// <summary>All of them are there.</summary>
        public Task FullAsync() => full.Task.WaitAsync(TimeSpan.FromSeconds(20));

        public async ValueTask DisposeAsync()
        {
            await stop.CancelAsync();
            await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        private async Task RunAsync()
        {
            var open = new Queue<Socket>();
            try
            {
                for (var number = 0; !stop.IsCancellationRequested; number++)
                {
                    // The first address is the known machine's own.
                    var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                    open.Enqueue(socket);
                    socket.Bind(new IPEndPoint(new IPAddress([127, 0, 0, (byte)(1 + number % addresses)]), 0));
                    await socket.ConnectAsync(target, stop.Token);
                    await socket.SendAsync((byte[])[22], stop.Token);
                    if (open.Count > addresses * connections)
                    {
                        full.TrySetResult();
                        open.Dequeue().Close(timeout: 0);
                        await Task.Delay(1, stop.Token);
                    }
                }
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException) { full.TrySetException(e); }
            finally { while (open.TryDequeue(out var socket)) socket.Close(timeout: 0); }
        }
    }
}
