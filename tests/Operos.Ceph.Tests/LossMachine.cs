using System.Security.Cryptography;
using Operos.Ceph.Tests.Osds;
using Operos.Controller.Tests;
using Operos.Proto;
using Operos.Proto.Connection;
using Operos.Worker.Disks;
using Operos.Worker.Osds;

namespace Operos.Ceph.Tests;

/// <summary>A worker with one disk: the worker's own code keeps its OSD, and answers the controller over a real session.</summary>
internal sealed class LossMachine(OsdRack rack, int number, OsdTarget target) : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private readonly ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly DiskBoard board = new();
    private OsdKeeper? keeper;
    private CancellationTokenSource leave = new();
    private Task beating = Task.CompletedTask;
    private int boots;

    public string Id { get; private set; } = "";

    public ControlConnection Connection { get; private set; } = null!;

    /// <summary>Its OSD; null before the agent knows of one.</summary>
    public OsdState? Osd => keeper?.States.SingleOrDefault();

    /// <summary>Its OSD's process ends, and so does its agent: what it knew of OSDs was in RAM.</summary>
    public async Task BootAsync()
    {
        await EndAsync();
        keeper = rack.KeepBySession(board, $"machine-{number}-{++boots}");
        await keeper.StartAsync(default);
    }

    /// <summary>Comes to a controller, and tells it all that a worker tells.</summary>
    public async Task JoinAsync(TestController controller)
    {
        await LeaveAsync();
        (Id, Connection, _) = await controller.JoinAsync(TestController.Machine(number), handler: (request, _) => ValueTask.FromResult(
            keeper!.Maps.Answer(request) ?? new Fault { Code = FaultCode.BadRequest, Text = "nothing else is answered" }), key: key);
        await Connection.CallAsync<Done>(new ReportDisks { Disks = [new DiskState { Name = "sda", Identity = $"disk:{target.DiskId}",
            Class = "ours", RecordDisk = $"{target.DiskId}", Bytes = 1L << 31, LogicalSector = 512, Evidence = new string('a', 64) }] },
            default);
        leave = new CancellationTokenSource();
        beating = BeatAsync(Connection, leave.Token);
    }

    /// <summary>Its disk is there, and looked at.</summary>
    public void ShowDisk() => board.TellOsds([target], 0);

    /// <summary>Its session ends; its OSD goes on.</summary>
    public async Task LeaveAsync()
    {
        await leave.CancelAsync();
        await beating.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (Connection is { } connection) await connection.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await LeaveAsync();
        await EndAsync();
        leave.Dispose();
        key.Dispose();
    }

    private async Task EndAsync()
    {
        if (keeper is null) return;
        await keeper.StopAsync(default);
        keeper.Dispose();
    }

    private async Task BeatAsync(ControlConnection connection, CancellationToken cancellationToken)
    {
        while (true)
        {
            var reply = await connection.CallAsync<HeartbeatReply>(TestController.Beat("boot-1") with { Osds = keeper!.States },
                cancellationToken);
            keeper.Follow(connection, reply.Configuration);
            await Task.Delay(Pause, cancellationToken);
        }
    }
}
