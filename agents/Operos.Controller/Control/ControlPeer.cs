using System.Net;
using System.Numerics;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Operos.Authority;
using Operos.Controller.Configuration;
using Operos.Controller.Connections;
using Operos.Controller.Machines;
using Operos.Controller.Operations;
using Operos.Controller.Operators;
using Operos.Linux;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Control;

/// <summary>One control connection: who is at its other end, and therefore what it may ask.</summary>
internal sealed class ControlPeer(MachineEnrolment enrolment, OperationCatalogue operations, OperatorRegistry operators,
    LiveConnections live, TimeProvider time, ILogger<ControlPeer> logger)
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
        (Role.Operator, _) => operators.Recognise(certificate) is not null,
        _ => false,
    };

    /// <param name="recognised">Whether its certificate counts.</param>
    public void Attach(ControlConnection opened, IPAddress address, bool recognised)
    {
        (connection, from, known) = (opened, address, recognised);
        holder = opened.PeerCertificate is { } certificate ? CertificateAuthority.ReadHolder(certificate) : null;
        if (known) live.ByHolder.Add(holder!.Value, opened);
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
            logger.RequestRefused(known ? LogLevel.Information : LogLevel.Debug, asked, who,
                PrintableText.Line(refusal.Message, LongestReason));
        else if (known || BitOperations.IsPow2(Interlocked.Increment(ref failedOfStrangers)))
            logger.RequestFailed(failure, asked, who);
    }

    public async ValueTask<Message> HandleAsync(Message request, CancellationToken cancellationToken)
    {
        await attached.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        if (request is Hello hello) return Greet(hello);
        if (!greeted) return new Fault { Code = FaultCode.BadRequest, Text = "the first message must be Hello" };
        try { return await AnswerAsync(request, cancellationToken).ConfigureAwait(false); }
        catch (RefusedException e) { throw Faults.From(e); }
    }

    public async Task DetachAsync()
    {
        if (known) live.ByHolder.Remove(holder!.Value, connection!);
        if (session is not null && live.Workers.Close(session))
        {
            logger.Disconnected(session.Machine);
            enrolment.Disconnected(session.Machine, bySelf: connection!.Completion.IsCompleted);
        }
        if (connection is not null) await connection.DisposeAsync().ConfigureAwait(false);
    }

    private async Task<Message> AnswerAsync(Message request, CancellationToken cancellationToken) => (request, holder) switch
    {
        (Enrol enrol, _) => await enrolment.EnrolAsync(enrol, from, cancellationToken).ConfigureAwait(false),
        (_, (Role.Worker, var machine)) when IsOfStorage(request) =>
            await enrolment.AnswerAsync(request, OpenSession(machine, request), cancellationToken).ConfigureAwait(false),
        (_, (Role.Worker, var machine)) when IsOfWorkers(request) => enrolment.Serve(request, OpenSession(machine, request)),
        _ when IsOfWorkers(request) => Unauthorized("only an enrolled worker may"),
        (_, (Role.Operator, _)) => await operations.RunAsync(request, Caller(), cancellationToken).ConfigureAwait(false),
        _ => Unauthorized("only an operator may"),
    };

    private static bool IsOfWorkers(Message request) => IsOfStorage(request)
        || request is Heartbeat or RenewCertificate or IssueNodeCertificates or ReportDisks or IssueDiskKeys;

    /// <summary>What Ceph is asked for before it is answered.</summary>
    private static bool IsOfStorage(Message request) => request is OsdRequest or StageVolume or TellVolume or ReleaseVolume;

    /// <summary>Whose request it is, asked for each: what was revoked a moment ago no longer counts.</summary>
    /// <exception cref="RefusedException">The certificate does not count.</exception>
    private Caller Caller()
    {
        var self = operators.Recognise(connection!.PeerCertificate!) ?? throw new RefusedException(RefusalKind.Forbidden,
            "refused: this operator's certificate does not count: it was revoked, or has expired",
            "an admin makes another: operosctl operators add, or renew; on the controller's console: operos-controller recover-admin");
        return new Caller(self.Name, self.Role, from.ToString());
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
            live.Workers.Open(session);
            enrolment.Connected(machine, connection.PeerCertificate!);
            logger.IsUp(machine, from);
        }
        return session;
    }

    private static Fault Unauthorized(string text) =>
        new() { Code = FaultCode.Unauthorized, Text = $"{text} ask for this", Hint = "use a certificate of that role" };
}
