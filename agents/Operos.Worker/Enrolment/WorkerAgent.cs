using System.Security.Cryptography;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Operos.Proto;
using Operos.Proto.Connection;
using Operos.Worker.Configuration;
using Operos.Worker.Diagnosis;
using Operos.Worker.Node;
using Operos.Worker.Orders;

namespace Operos.Worker.Enrolment;

/// <summary>
/// Enrols, then keeps a connection with heartbeats, for ever: a lost controller, a refused certificate or a long wait for an
/// operator are all normal.
/// </summary>
internal sealed class WorkerAgent(WorkerSettings settings, NodeState node, NodeVitals vitals, NodeMembership membership,
    DiskSession disks, ILogger<WorkerAgent> logger) : BackgroundService
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1), LongestPause = TimeSpan.FromSeconds(30);

    /// <summary>
    /// After so many connections that ended before an answer, the certificate is taken for refused: TLS 1.3 does not say it otherwise. A
    /// controller that is away has refused nothing, and one that answers says itself where a certificate no longer counts.
    /// </summary>
    private const int RefusalsBeforeEnrolling = 3;

    /// <summary>Null until the controller has admitted this machine.</summary>
    private WorkerIdentity? identity;
    /// <summary>Who this machine is, as the controller said last, to this agent or to the one before it.</summary>
    private string? machine = StatusFile.Find(settings.StateFolder)?.Machine;
    private string bootId = settings.BootId;
    private readonly ConsoleProgress console = new();
    /// <summary>A simulated machine was told to reboot.</summary>
    private TaskCompletionSource simulatedReboot = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static string Agent { get; } = $"operos-worker/{typeof(WorkerAgent).Assembly.GetName().Version?.ToString(3)}";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        identity = WorkerIdentity.TryLoad(settings.StateFolder);
        var (failures, refusals) = (0, 0);
        while (!stoppingToken.IsCancellationRequested)
        {
            var pause = FirstPause;
            try
            {
                identity ??= await EnrolAsync(stoppingToken).ConfigureAwait(false);
                if (identity is null)
                {
                    (failures, refusals) = (0, 0);
                    continue;
                }
                await ServeAsync(() => (failures, refusals) = (0, 0), stoppingToken).ConfigureAwait(false);
                failures++;
                if (simulatedReboot.Task.IsCompleted) BootAnew();
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { break; }
            catch (Exception e) when (e is IOException or TimeoutException or ControlFaultException or CryptographicException)
            {
                failures++;
                refusals = e is ControlFaultException ? 0 : e is ControllerUnreachableException ? refusals : refusals + 1;
                pause = e is ControlFaultException { RetryAfterSeconds: > 0 } fault
                    ? TimeSpan.FromSeconds(fault.RetryAfterSeconds)
                    : TimeSpan.FromSeconds(Math.Min(Math.Pow(2, Math.Min(failures, 6)) / 2, LongestPause.TotalSeconds));
                node.Say($"{e.Message}; trying again");
                Report(new WorkerStatus { State = "connecting", LastError = e.Message });
                if (identity is not null && (e is ControlFaultException { Code: FaultCode.Unauthorized }
                    || refusals >= RefusalsBeforeEnrolling))
                {
                    logger.EnrolsAnew(e.Message);
                    identity.Dispose();
                    (identity, refusals) = (null, 0);
                }
            }
            // Jitter: a rack that lost its controller does not come back in one beat.
            await Task.Delay(pause * (0.5 + Random.Shared.NextDouble()), stoppingToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        identity?.Dispose();
    }

    /// <summary>Null where the controller said to wait; it has waited then.</summary>
    private async Task<WorkerIdentity?> EnrolAsync(CancellationToken cancellationToken)
    {
        Report(new WorkerStatus { State = "connecting", Text = $"to {settings.Control}" });
        // The first contact may be with a clock that was never set: the CA's key is proof enough, and tells the time.
        await using var connection = await ConnectAsync(null, tolerateClock: true, cancellationToken).ConfigureAwait(false);
        node.AdoptClock(connection.Greeting!.UnixTimeMs);
        using var key = WorkerIdentity.LoadOrMakeKey(settings.StateFolder);
        var request = new Enrol { Csr = WorkerIdentity.Request(key), Inventory = settings.ReadInventory(), BootRecord = settings.BootRecord,
            BootId = bootId, Node = membership.Node, Proofs = await disks.ProveAsync(cancellationToken).ConfigureAwait(false) };
        var reply = await connection.CallAsync<EnrolReply>(request, cancellationToken).ConfigureAwait(false);
        if (reply is { Admission: Admission.Admitted, Certificate: { } certificate, Configuration: { } configuration })
        {
            disks.Keep(reply.Token);
            await node.ApplyAsync(configuration, cancellationToken).ConfigureAwait(false);
            var identity = WorkerIdentity.Keep(settings.StateFolder, key, certificate);
            node.Say($"enrolled as {reply.MachineId}{(configuration.Name is null ? "" : $" ({configuration.Name})")}");
            return identity;
        }
        if (reply.Removed) membership.Leave();
        var text = membership.Node is null ? reply.Text : $"{reply.Text}; this machine's pods run on";
        node.Say($"not admitted: {text}");
        machine = reply.MachineId;
        Report(new WorkerStatus { State = "waiting", Text = text, Kubernetes = membership.Steps });
        await Task.Delay(TimeSpan.FromSeconds(Math.Clamp(reply.RetryAfterSeconds, 1, 300)) * (0.8 + Random.Shared.NextDouble() * 0.4),
            cancellationToken).ConfigureAwait(false);
        return null;
    }

    /// <summary>Heartbeats until the connection ends.</summary>
    private async Task ServeAsync(Action connected, CancellationToken cancellationToken)
    {
        await using var connection = await ConnectAsync(identity, tolerateClock: false, cancellationToken).ConfigureAwait(false);
        // Enrolment leaves some 30 MB of garbage that an idle agent would keep for days; the machine's memory is for its work.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task? reporting = null;
        try { await BeatAsync(connection, connected, () => reporting ??= disks.ReportAsync(connection, ended.Token), cancellationToken)
            .ConfigureAwait(false); }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
            await (reporting ?? Task.CompletedTask).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <param name="known">What is done once the controller knows whose connection this is.</param>
    private async Task BeatAsync(ControlConnection connection, Action connected, Action known, CancellationToken cancellationToken)
    {
        while (!connection.Completion.IsCompleted)
        {
            var heartbeat = await vitals.ReadAsync(bootId, membership.Steps, cancellationToken).ConfigureAwait(false);
            heartbeat = disks.Tell(heartbeat);
            var reply = await connection.CallAsync<HeartbeatReply>(heartbeat, cancellationToken).ConfigureAwait(false);
            connected();
            machine = reply.Configuration.Hostname;
            node.AdoptClock(reply.UnixTimeMs);
            await node.ApplyAsync(reply.Configuration, cancellationToken).ConfigureAwait(false);
            disks.Follow(connection, reply.Configuration);
            known();
            membership.Follow(connection, reply.Configuration);
            Report(new WorkerStatus { State = "enrolled", Name = reply.Configuration.Name,
                CertificateExpires = identity!.Certificate.NotAfter, Kubernetes = membership.Steps,
                Osds = heartbeat.Osds is { Count: > 0 } osds ? osds : null });
            if (console.Next(membership.Steps, membership.NotReady) is { } line) node.Say(line);
            if (DateTimeOffset.UtcNow >= identity.RenewAt) await RenewAsync(connection, cancellationToken).ConfigureAwait(false);
            var interval = Task.Delay(TimeSpan.FromSeconds(Math.Clamp(reply.Configuration.HeartbeatSeconds, 1, 60)), cancellationToken);
            await Task.WhenAny(connection.Completion, interval, simulatedReboot.Task).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            if (simulatedReboot.Task.IsCompleted) return;
        }
        Report(new WorkerStatus { State = "connecting", LastError = "the controller closed the connection" });
        logger.ConnectionClosed();
    }

    /// <summary>Whatever becomes of the controller, the machine stays who it is.</summary>
    private void Report(WorkerStatus status) => node.Report(status with { Machine = machine });

    /// <summary>A fresh certificate for the next connection; this one stays, so that the machine is up all the while.</summary>
    private async Task RenewAsync(ControlConnection connection, CancellationToken cancellationToken)
    {
        using var key = identity!.Key;
        var reply = await connection.CallAsync<CertificateReply>(
            new RenewCertificate { Csr = WorkerIdentity.Request(key) }, cancellationToken).ConfigureAwait(false);
        var renewed = WorkerIdentity.Keep(settings.StateFolder, key, reply.Certificate);
        logger.CertificateRenewed(renewed.Certificate.NotAfter);
        identity.Dispose();
        identity = renewed;
    }

    /// <summary>What a reboot does to a machine without a disk: it has a new boot id, and nothing else.</summary>
    private void BootAnew()
    {
        identity?.Dispose();
        identity = null;
        WorkerIdentity.Forget(settings.StateFolder);
        bootId = Guid.NewGuid().ToString();
        simulatedReboot = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        node.Say("the simulated machine boots anew");
    }

    private Task<ControlConnection> ConnectAsync(WorkerIdentity? identity, bool tolerateClock, CancellationToken cancellationToken) =>
        ControlConnection.ConnectAsync(new ControlClientOptions
        {
            Endpoint = settings.Control, CertificateAuthority = settings.Authority, Certificate = identity?.Certificate, Agent = Agent,
            TolerateClock = tolerateClock, Handler = AnswerAsync,
            Failed = (request, failure) => logger.RequestFailed(failure, request.GetType().Name),
        }, cancellationToken);

    private async ValueTask<Message> AnswerAsync(Message request, CancellationToken cancellationToken)
    {
        if (await disks.AnswerAsync(request, cancellationToken).ConfigureAwait(false) is { } answer) return answer;
        if (request is not Reboot reboot)
            return new Fault { Code = FaultCode.BadRequest, Text = $"{request.GetType().Name} is no worker's operation" };
        node.Say($"rebooting: {reboot.Reason}");
        var simulated = simulatedReboot;
        // The answer leaves first.
        _ = Task.Run(async () =>
        {
            await Task.Delay(TimeSpan.FromMilliseconds(500), CancellationToken.None).ConfigureAwait(false);
            if (settings.Apply) await node.RebootAsync(CancellationToken.None).ConfigureAwait(false);
            else simulated.TrySetResult();
        }, CancellationToken.None);
        return await ValueTask.FromResult(new Done { Text = "rebooting" }).ConfigureAwait(false);
    }
}
