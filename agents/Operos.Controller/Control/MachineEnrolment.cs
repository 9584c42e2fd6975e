using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Operos.Authority;
using Operos.Controller.Cluster;
using Operos.Controller.Configuration;
using Operos.Controller.Connections;
using Operos.Controller.Machines;
using Operos.Controller.Operations;
using Operos.Hardware.Inventories;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Control;

/// <summary>What workers ask: a place in the cluster, a fresh certificate, to be known alive.</summary>
internal sealed partial class MachineEnrolment(MachineRegistry registry, CertificateAuthority authority, Sessions sessions,
    KubernetesCluster? cluster, ControllerContext context)
{
    private const int MaxCsr = 4096, MaxProof = 8192, RetrySeconds = 5, RetryWhileLacking = 15;
    private static readonly TimeSpan HeartbeatInterval = TimeSpan.FromSeconds(10);

    private readonly ControllerSettings settings = context.Settings;
    private readonly TimeProvider time = context.Time;
    private readonly ILogger<MachineEnrolment> logger = context.Loggers.CreateLogger<MachineEnrolment>();
    private readonly Readmission readmission = new(context.Settings.Readmission, context.Settings.Silence, context.Time.GetUtcNow());

    public async Task<Message> EnrolAsync(Enrol request, IPAddress from, CancellationToken cancellationToken)
    {
        if (context.LacksKubernetes) throw new ControlFaultException(Lacking);
        var newcomer = Read(request, from);
        var reply = await JudgeAsync(request, newcomer, from, cancellationToken).ConfigureAwait(false);
        return reply.Admission == Admission.Admitted ? reply : reply with { Removed = registry.WasRemoved(newcomer) };
    }

    private async Task<EnrolReply> JudgeAsync(Enrol request, Newcomer newcomer, IPAddress from, CancellationToken cancellationToken)
    {
        var record = registry.Resolve(newcomer);
        if (record.Standing != MachineStanding.Admitted || record.Kind != "worker") return Refusal(record);
        var life = await sessions.ProbeAsync(record.Id, cancellationToken).ConfigureAwait(false);
        Verdict Judge(MachineRecord known) => readmission.Judge(known, newcomer, life, time.GetUtcNow());
        var verdict = Judge(record);
        if (verdict is not (Verdict.Admitted or Verdict.AdmittedWithAlarm)) return Refuse(record, newcomer, verdict, life);
        using var certificate = authority.SignWorker(request.Csr, record.Id, settings.WorkerCertificate);
        var token = RandomNumberGenerator.GetBytes(MachineTokens.Length);
        var booted = registry.RecordBoot(record.Id, newcomer, Hash(certificate), certificate.NotAfter, MachineTokens.HashOf(token), Judge);
        if (booted is null) return Refuse(record, newcomer, Verdict.TooSoon, life);
        // What is left of a session that does not answer is over; the machine's own, of the same key, goes on.
        if (record.KeyHash != newcomer.KeyHash) await sessions.CloseAsync(record.Id).ConfigureAwait(false);
        if (verdict == Verdict.AdmittedWithAlarm) logger.AdmittedWithAlarm(record.Id, booted.Alarm?.Text);
        logger.Enrolled(record.Id, from);
        return new EnrolReply
        {
            Admission = Admission.Admitted, MachineId = record.Id, Text = "welcome", Certificate = certificate.RawData,
            Configuration = Configure(booted), Token = token,
        };
    }

    /// <summary>Answers an enrolled worker.</summary>
    public Message Serve(Message request, Session session)
    {
        switch (request)
        {
            case Heartbeat said:
                if (!MachineWords.IsBootId(said.BootId)) return Bad("the heartbeat's boot id is malformed");
                var heartbeat = Heartbeats.Bounded(said, time.GetUtcNow());
                session.Hear(heartbeat, time.GetUtcNow());
                if (context.LacksKubernetes) return Lacking;
                return new HeartbeatReply { Configuration = Configure(registry.Get(session.Machine)!), UnixTimeMs = time.GetUtcNow()
                    .ToUnixTimeMilliseconds() };
            case RenewCertificate renewal:
                try
                {
                    using var certificate = authority.SignWorker(renewal.Csr, session.Machine, settings.WorkerCertificate);
                    var (hash, key) = (Hash(certificate), CertificateAuthority.KeyHash(certificate));
                    registry.Update(session.Machine, record => record with { CertificateHash = hash,
                        CertificateExpires = certificate.NotAfter, KeyHash = key }, "certificate renewed");
                    return new CertificateReply { Certificate = certificate.RawData };
                }
                catch (CryptographicException e) { return Bad($"the certificate request is refused: {e.Message}"); }
            case IssueNodeCertificates issue:
                if (context.LacksKubernetes) return Lacking;
                if (cluster is null)
                    return new Fault { Code = FaultCode.Conflict, Text = "this cluster runs no Kubernetes",
                    Hint = "kubernetes.enabled in controller.toml" };
                try { return cluster.Issue(session.Machine, registry.Get(session.Machine)!.Address!, issue); }
                catch (CryptographicException e) { return Bad($"the certificate request is refused: {e.Message}"); }
            case ReportDisks or IssueDiskKeys: return context.Disks.Serve(request, session.Machine);
            default: throw new ArgumentException("no worker's request", nameof(request));
        }
    }

    /// <summary>Answers an enrolled worker that asks for an OSD's key, or about a volume.</summary>
    public Task<Message> AnswerAsync(Message request, Session session, CancellationToken cancellationToken) =>
        context.Storage.AnswerAsync(request, session.Machine, cancellationToken);

    /// <summary>Whether a certificate is of the key that an admitted machine has now.</summary>
    public bool IsCurrent(string machine, X509Certificate2 certificate) =>
        registry.Get(machine) is { Standing: MachineStanding.Admitted } record
        && (record.CertificateHash == Hash(certificate) || record.KeyHash == CertificateAuthority.KeyHash(certificate));

    /// <exception cref="ControlFaultException">The machine was removed, or has another key by now.</exception>
    public void RequireCurrent(string machine, X509Certificate2 certificate)
    {
        // A renewal keeps its connection; the certificate that it came with is checked when it was opened.
        if (IsCurrent(machine, certificate) || (IsAdmitted(machine) && sessions.Get(machine)?.Connection.PeerCertificate == certificate))
            return;
        throw new ControlFaultException(new Fault { Code = FaultCode.Unauthorized,
            Text = $"the certificate of machine {machine} no longer counts", Hint = "the machine enrols again by itself" });
    }

    private bool IsAdmitted(string machine) => registry.Get(machine)?.Standing == MachineStanding.Admitted;

    /// <summary>A machine's session began, with the certificate that it showed.</summary>
    public void Connected(string machine, X509Certificate2 certificate) =>
        registry.Note(machine, record => record with
        {
            LastSeen = time.GetUtcNow(), Connected = true, KeyHash = record.KeyHash ?? CertificateAuthority.KeyHash(certificate),
        });

    /// <summary>A machine's session ended, by itself or with this controller: then the machine is about to come back.</summary>
    public void Disconnected(string machine, bool bySelf)
    {
        registry.Note(machine, record => record with { LastSeen = time.GetUtcNow(), Connected = !bySelf });
        if (bySelf) registry.Mention(machine, "its connection ended: it goes down, or is cut off");
    }

    private static Newcomer Read(Enrol request, IPAddress from)
    {
        if (request.Csr is not { Length: > 0 and <= MaxCsr }) throw Malformed("its certificate request is missing or too large");
        if (!MachineWords.IsBootId(request.BootId)) throw Malformed("its boot id is malformed");
        if (request.Proofs is not { Count: <= Proof.Most }
            || request.Proofs.Any(proof => proof is not { Kind.Length: > 0 and <= 64, Value.Length: <= MaxProof }))
            throw Malformed("its proofs are too many, too large or malformed");
        try
        {
            var (key, boot) = (CertificateAuthority.KeyHash(request.Csr), MachineWords.BootRecordOf(request.BootRecord ?? []));
            return new Newcomer(Inventory.Parse(request.Inventory ?? []), boot, request.BootId, from.ToString())
                {
                    KeyHash = key, Node = Guid.TryParseExact(request.Node, "D", out var node) ? node.ToString() : null,
                    Tokens = [.. request.Proofs.Where(proof => proof is { Kind: Proof.DiskToken, Value.Length: MachineTokens.Length })
                        .Select(proof => MachineTokens.HashOf(proof.Value)).Distinct()],
                };
        }
        catch (FormatException e) { throw Malformed(e.Message); }
        catch (CryptographicException e) { throw Malformed($"its certificate request is no good: {e.Message}"); }
    }

    private EnrolReply Refusal(MachineRecord record)
    {
        var (admission, text, retry) = record.Standing switch
        {
            MachineStanding.Pending =>
                (Admission.Pending,
                $"{(record.Reason is { } why ? why + "; it " : "")}waits for an operator: operosctl machines approve {record.Id}",
                RetrySeconds),
            MachineStanding.Ambiguous =>
                (Admission.Ambiguous,
                $"{record.Reason}; an operator decides: operosctl machines resolve {record.Id} --as "
                + $"{(record.Candidates.Count > 0 ? record.Candidates[0] : "new")}", RetrySeconds * 2),
            MachineStanding.Rejected =>
                (Admission.Rejected, $"an operator rejected this machine; to let it in: operosctl machines approve {record.Id}",
                RetrySeconds * 12),
            _ => (Admission.DuplicateLive, "this is the controller's own identity", RetrySeconds * 12),
        };
        return new EnrolReply { Admission = admission, MachineId = record.Id, Text = text, RetryAfterSeconds = retry };
    }

    /// <summary>A worker that is told that there is no Kubernetes stops being a node: it is told to ask again.</summary>
    private static Fault Lacking => new()
    {
        Code = FaultCode.Conflict, Text = "Kubernetes cannot run on the controller", Hint = "operosctl status says why",
        RetryAfterSeconds = RetryWhileLacking,
    };

    private NodeConfiguration Configure(MachineRecord record) => new()
    {
        Hostname = record.Id, Name = record.Name, Labels = record.Labels, HeartbeatSeconds = (int)HeartbeatInterval.TotalSeconds,
        AuthorizedKeys = settings.AuthorizedKeys,
        Kubernetes = cluster?.Describe(),
        Storage = context.Disks.Configure(record.Id) is { } storage ? storage with { Ceph = context.Storage.Cluster } : null,
    };

    private static string Hash(X509Certificate2 certificate) => Convert.ToHexStringLower(SHA256.HashData(certificate.RawData));

    private static Fault Bad(string text) => new() { Code = FaultCode.BadRequest, Text = text };

    private static ControlFaultException Malformed(string text) =>
        new(new Fault { Code = FaultCode.BadRequest, Text = $"the enrolment is refused: {text}",
        Hint = "is the worker's program of this release?" });
}
