using System.Net.Sockets;
using System.Text;

namespace Operos.Lab.Tests;

/// <summary>A peer that breaks the rules, or ends, is told; real QEMU: <see cref="VirtualMachineTests"/>.</summary>
public sealed class QmpTests : IDisposable
{
    private const string Greeting = """{"QMP": {"version": {}, "capabilities": []}}""" + "\r\n";
    private readonly string folder = Directory.CreateTempSubdirectory("operos-test-").FullName;

    private string SocketPath => Path.Combine(folder, "qmp");

    [Fact]
    public async Task Events_and_replies_are_told_apart_however_they_arrive()
    {
        // In one piece, cut in the middle of a line, a reply nobody waits for between two events.
        var peer = ServeAsync(Greeting,
            """
            {"return": {}, "id": 1}
            {"event": "STOP"}
            {"return": 1, "id": 77}
            {"event": "SHUT
            """,
            """DOWN", "data": {"reason": "guest-reset"}}""" + "\n");
        await using var qmp = await Qmp.ConnectAsync(SocketPath, default);
        var told = new List<QmpEvent>();
        await foreach (var one in qmp.Events.ReadAllAsync()) told.Add(one);
        Assert.Equal(["STOP", "SHUTDOWN"], told.Select(one => one.Name));
        Assert.Equal("guest-reset", told[1].Data.GetProperty("reason").GetString());
        var failure = await Assert.ThrowsAsync<LabException>(() => qmp.ExecuteAsync("query-status", null, default));
        Assert.Equal("QMP query-status: QEMU closed the connection", failure.Message);
        await peer;
    }

    [Theory]
    [InlineData("no JSON\n")]
    [InlineData("[]\n")]
    [InlineData("{\"event\": 7}\n")]
    [InlineData("long")]
    public async Task What_is_no_QMP_ends_the_connection(string reply)
    {
        var peer = ServeAsync(Greeting, reply == "long" ? new string('x', (1 << 20) + 1) : reply);
        var failure = await Assert.ThrowsAsync<LabException>(() => Qmp.ConnectAsync(SocketPath, default));
        Assert.Contains("the connection ended: ", failure.Message, StringComparison.Ordinal);
        await peer;
    }

    [Fact]
    public async Task QEMU_that_ends_while_it_is_asked_has_ended_for_the_reason_that_it_gave()
    {
        const string reset = """{"event": "SHUTDOWN", "data": {"reason": "guest-reset"}}""" + "\n";
        var peer = ServeAsync(Greeting, """{"return": {}, "id": 1}""" + "\n", reset);
        await using var qmp = await Qmp.ConnectAsync(SocketPath, default);
        var watch = new GuestWatch(qmp, new SerialLog(Path.Combine(folder, "console"), () => null), mayPanic: false, () => false);
        Assert.Equal("guest-reset", await watch.UntilEndAsync(default).WaitAsync(TimeSpan.FromSeconds(10)));
        await peer;
    }

    [Fact]
    public async Task Who_waits_for_QEMU_can_be_called_off()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Qmp.ConnectAsync(SocketPath, limit.Token));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>Greets, waits for the first command, and answers with the pieces.</summary>
    private async Task ServeAsync(params string[] pieces)
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(SocketPath));
        listener.Listen();
        using var client = await listener.AcceptAsync();
        await client.SendAsync(Encoding.ASCII.GetBytes(pieces[0]));
        await client.ReceiveAsync(new byte[4096]);
        foreach (var piece in pieces[1..])
        {
            try { await client.SendAsync(Encoding.ASCII.GetBytes(piece)); }
            catch (SocketException) { /* it had enough */ }
            await Task.Delay(50);
        }
    }
}
