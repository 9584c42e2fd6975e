using System.Net;
using System.Numerics;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Operos.Authority;
using Operos.Controller.Configuration;
using Operos.Controller.Connections;
using Operos.Controller.Machines;
using Operos.Controller.Operators;
using Operos.Linux;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Control;

/// <summary>One control connection: who is at its other end, and therefore what it may ask.</summary>
internal sealed class ControlPeer(
    EnrolmentDesk enrolment, OperatorDesk operators, OperatorAccounts accounts, Sessions sessions, OpenConnections open,
    TimeProvider time, ILogger<ControlPeer> logger)
{
    private const int LongestReason = 512;
    private static long failedOfStrangers;

    private readonly TaskCompletionSource attached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ControlConnection? connection;
    private IPAddress from = IPAddress.None;
    private (Role Role, string Name)? holder;
    private Session? session;
    private bool greeted, known;

    /// <summary>
    /// Whether a verified certificate counts: its machine is admitted and has no newer one, or its operator is not revoked.
    /// </summary>
    public bool Recognises(X509Certificate2 certificate) => CertificateAuthority.ReadHolder(certificate) switch
    {
        (Role.Worker, var machine) => enrolment.IsCurrent(machine, certificate),
        (Role.Operator, _) => accounts.Recognise(certificate) is not null,
        _ => false,
    };

    /// <param name="recognised">Whether its certificate counts.</param>
    public void Attach(ControlConnection opened, IPAddress address, bool recognised)
    {
        (connection, from, known) = (opened, address, recognised);
        holder = opened.PeerCertificate is { } certificate ? CertificateAuthority.ReadHolder(certificate) : null;
        if (known) open.Add(holder!.Value, opened);
        attached.SetResult();
    }

    /// <summary>
    /// Logs that its request failed: a refusal is the peer's to read, anything else is ours to mend. Of strangers' the errors alone, and at
    /// powers of two: a flood must not fill the log.
    /// </summary>
    public void Failed(Message request, Exception failure)
    {
        var (who, asked) = (known ? $"{holder!.Value.Role} {PrintableText.Line(holder.Value.Name)}" : $"{from}", request.GetType().Name);
        if (failure is ControlFaultException refusal)
            logger.Log(known ? LogLevel.Information : LogLevel.Debug, "{Request} of {Peer} is refused: {Reason}", asked, who,
                PrintableText.Line(refusal.Message, LongestReason));
        else if (known || BitOperations.IsPow2(Interlocked.Increment(ref failedOfStrangers)))
            logger.LogError(failure, "{Request} of {Peer} failed", asked, who);
    }

    public async ValueTask<Message> HandleAsync(Message request, CancellationToken cancellationToken)
    {
        await attached.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        if (request is Hello hello) return Greet(hello);
        if (!greeted) return new Fault { Code = FaultCode.BadRequest, Text = "the first message must be Hello" };
        return (request, holder) switch
        {
            (Enrol enrol, _) => await enrolment.EnrolAsync(enrol, from, cancellationToken).ConfigureAwait(false),
            (Heartbeat or RenewCertificate or IssueNodeCertificates, (Role.Worker, var machine)) =>
                enrolment.Serve(request, OpenSession(machine, request)),
            (Heartbeat or RenewCertificate or IssueNodeCertificates, _) => Unauthorized("only an enrolled worker may"),
            (_, (Role.Operator, _)) => await OperateAsync(request, cancellationToken).ConfigureAwait(false),
            _ => Unauthorized("only an operator may"),
        };
    }

    public async Task DetachAsync()
    {
        if (known) open.Remove(holder!.Value, connection!);
        if (session is not null && sessions.Close(session))
        {
            logger.LogInformation("Machine {Machine} disconnected", session.Machine);
            enrolment.Disconnected(session.Machine, bySelf: connection!.Completion.IsCompleted);
        }
        if (connection is not null) await connection.DisposeAsync().ConfigureAwait(false);
    }

    private async Task<Message> OperateAsync(Message request, CancellationToken cancellationToken)
    {
        var self = accounts.Require(request, connection!.PeerCertificate!);
        var reply = await accounts.HandleAsync(request, self).ConfigureAwait(false)
            ?? await operators.HandleAsync(request, self.Name, cancellationToken).ConfigureAwait(false);
        return reply is StatusReply status ? status with { Expiring = [.. status.Expiring, .. accounts.Expiring()] } : reply;
    }

    private Message Greet(Hello hello)
    {
        var asked = ProtocolVersions.Of(hello);
        if (ProtocolVersions.Spoken.Common(asked) is not { } version)
        {
            var text = $"protocol version {asked} is not {ProtocolVersions.Spoken}";
            return new Fault { Code = FaultCode.Version, Text = text, Hint = "use programs of the controller's release" };
        }
        greeted = true;
        return new HelloReply { ProtocolVersion = version, Agent = ControllerSettings.Agent, UnixTimeMs = time.GetUtcNow()
            .ToUnixTimeMilliseconds() };
    }

    /// <summary>A certificate opens a session only while it is the one that was last issued to the machine.</summary>
    private Session OpenSession(string machine, Message request)
    {
        enrolment.RequireCurrent(machine, connection!.PeerCertificate!);
        if (session is null)
        {
            var bootId = request is Heartbeat { BootId: var boot } && MachineWords.IsBootId(boot) ? boot : "";
            session = new Session(machine, bootId, connection) { Opened = time.GetUtcNow() };
            sessions.Open(session);
            enrolment.Connected(machine, connection.PeerCertificate!);
            logger.LogInformation("Machine {Machine} is up at {Address}", machine, from);
        }
        return session;
    }

    private static Fault Unauthorized(string text) =>
        new() { Code = FaultCode.Unauthorized, Text = $"{text} ask for this", Hint = "use a certificate of that role" };
}
