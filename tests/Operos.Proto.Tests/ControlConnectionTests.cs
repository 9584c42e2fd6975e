using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Operos.Proto.Connection;

namespace Operos.Proto.Tests;

/// <summary>How a connection ends, and what it does not do for a peer that asks too much.</summary>
public sealed class ControlConnectionTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task A_read_that_begins_as_its_stream_is_disposed_ends_the_connection_without_an_error()
    {
        await using var stream = new Disposed(reads: true);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await stream.ReadExactlyAsync(new byte[1]));
        await using var connection = ControlConnection.Over(stream, Patience, ControlConnection.MaxFrame, null);
        await connection.Completion.WaitAsync(Patience);
        await Assert.ThrowsAsync<IOException>(() => connection.CallAsync<Done>(new Ping(), default));
    }

    [Fact]
    public async Task A_call_that_begins_as_its_stream_is_disposed_says_that_the_connection_has_ended()
    {
        await using var stream = new Disposed(reads: false);
        await using var connection = ControlConnection.Over(stream, Patience, ControlConnection.MaxFrame, null);
        var error = await Assert.ThrowsAsync<IOException>(() => connection.CallAsync<Done>(new Ping(), default));
        Assert.Equal("the control connection has ended", error.Message);
    }

    [Fact]
    public async Task An_answer_too_large_for_a_frame_is_a_fault_that_says_so_and_the_connection_stays()
    {
        await using var pair = await TlsPair.ConnectAsync();
        await using var server = ControlConnection.Over(pair.Server, Patience, ControlConnection.MaxFrame,
            (request, _) => ValueTask.FromResult<Message>(
            new Done { Text = new string('x', request is ListMachines ? ControlConnection.MaxFrame + 1 : 1000) }));
        await using var client = ControlConnection.Over(pair.Client, Patience, ControlConnection.MaxFrame, null);
        var refusal = await Assert.ThrowsAsync<ControlFaultException>(() => client.CallAsync<Done>(new ListMachines(), default));
        Assert.Equal(FaultCode.TooLarge, refusal.Code);
        Assert.Contains($"a frame holds at most {ControlConnection.MaxFrame}", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(1000, (await client.CallAsync<Done>(new ListLeases(), default)).Text.Length);
        var own = await Assert.ThrowsAsync<IOException>(() =>
            client.CallAsync<Done>(new ShowMachine { Machine = new string('x', ControlConnection.MaxFrame) }, default));
        Assert.Contains("at most", own.Message, StringComparison.Ordinal);
        Assert.Equal(1000, (await client.CallAsync<Done>(new ListLeases(), default)).Text.Length);
    }

    [Fact]
    public async Task A_fault_that_a_handler_met_is_told_where_it_is_answered()
    {
        var failed = new List<(Message Request, Exception Failure)>();
        await using var pair = await TlsPair.ConnectAsync();
        await using var server = ControlConnection.Over(pair.Server, Patience, ControlConnection.MaxFrame,
            (request, _) => throw (request is ListLeases
            ? new ControlFaultException(new Fault { Code = FaultCode.Conflict, Text = "not now" })
                : (Exception)new FormatException("the record's fourth line")), (request, failure) => failed.Add((request, failure)));
        await using var client = ControlConnection.Over(pair.Client, Patience, ControlConnection.MaxFrame, null);
        var met = await Assert.ThrowsAsync<ControlFaultException>(() => client.CallAsync<Done>(new ShowMachine { Machine = "m" }, default));
        Assert.Equal((FaultCode.Internal, "FormatException: the record's fourth line"), (met.Code, met.Message));
        var refused = await Assert.ThrowsAsync<ControlFaultException>(() => client.CallAsync<Done>(new ListLeases(), default));
        Assert.Equal((FaultCode.Conflict, "not now"), (refused.Code, refused.Message));
        Assert.Collection(failed,
            first => Assert.Equal((new ShowMachine { Machine = "m" }, typeof(FormatException)), (first.Request, first.Failure.GetType())),
            second => Assert.Equal((new ListLeases(), typeof(ControlFaultException)), (second.Request, second.Failure.GetType())));
    }

    [Fact]
    public async Task A_peer_that_asks_and_never_reads_is_answered_a_little_and_then_left()
    {
        await using var pair = await TlsPair.ConnectAsync();
        var asked = 0;
        await using var server = ControlConnection.Over(pair.Server, TimeSpan.FromSeconds(3), ControlConnection.MaxFrame, (_, _) =>
        {
            Interlocked.Increment(ref asked);
            return ValueTask.FromResult<Message>(new Done { Text = new string('x', 1 << 20) });
        });
        var frame = Frame.Write(1, reply: false, new ListMachines());
        var asking = Task.Run(async () => { for (var number = 0; number < 2000; number++) await pair.Client.WriteAsync(frame); });
        await server.Completion.WaitAsync(Patience);
        // What fits into the sockets, and those that are being answered.
        Assert.InRange(asked, 1, 64);
        await pair.Client.DisposeAsync();
        await asking.ContinueWith(_ => { }, TaskScheduler.Default);
    }

    /// <summary>
    /// Its stream is disposed in the moment that a read or a write begins: SslStream then says what it says before a handshake, so one
    /// without a handshake stands for it.
    /// </summary>
    private sealed class Disposed(bool reads) : SslStream(new MemoryStream())
    {
        public override X509Certificate? RemoteCertificate => null;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (!reads) await Task.Delay(Timeout.Infinite, cancellationToken);
            return await base.ReadAsync(buffer, cancellationToken);
        }
    }
}
