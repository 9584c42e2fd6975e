using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Operos.Controller.Configuration;
using Operos.Controller.ControlPlane;
using Operos.Controller.Machines;
using Operos.Controller.Pki;
using Operos.Hardware.Inventories;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Control;

/// <summary>What workers ask: a place in the cluster, a fresh certificate, to be known alive.</summary>
internal sealed class EnrolmentDesk(MachineRegistry registry, CertificateAuthority authority, Sessions sessions, ClusterDesk? cluster, ControllerSettings settings, TimeProvider time, ILogger<EnrolmentDesk> logger)
{
    private const int MaxCsr = 4096, RetrySeconds = 5;
    private static readonly TimeSpan HeartbeatInterval = TimeSpan.FromSeconds(10);

    public async Task<Message> EnrolAsync(Enrol request, IPAddress from, CancellationToken cancellationToken)
    {
        var newcomer = Read(request, from);
        var record = registry.Resolve(newcomer);
        if (record.Standing != MachineStanding.Admitted || record.Kind != "worker") return Refusal(record);
        if (await sessions.IsAliveElsewhereAsync(record.Id, newcomer.BootId, cancellationToken).ConfigureAwait(false))
        {
            logger.LogWarning("{Address} presents the evidence of {Machine}, which is alive: refused", from, record.Id);
            registry.Update(record.Id, known => known, $"{from} presented this machine's evidence while it was up: refused");
            return new EnrolReply { Admission = Admission.DuplicateLive, MachineId = record.Id, Text = $"machine {record.Id} is up already: two machines with one identity", RetryAfterSeconds = RetrySeconds * 4 };
        }
        X509Certificate2 certificate;
        try { certificate = authority.SignWorker(request.Csr, record.Id, settings.WorkerCertificate); }
        catch (CryptographicException e) { return Bad($"the certificate request is refused: {e.Message}"); }
        using var issued = certificate;
        record = registry.RecordBoot(record.Id, newcomer, Hash(certificate), certificate.NotAfter);
        logger.LogInformation("Machine {Machine} enrolled from {Address}", record.Id, from);
        return new EnrolReply { Admission = Admission.Admitted, MachineId = record.Id, Text = "welcome", Certificate = certificate.RawData, Configuration = Configure(record) };
    }

    /// <summary>Answers an enrolled worker.</summary>
    public Message Serve(Message request, Session session)
    {
        switch (request)
        {
            case Heartbeat said:
                if (!MachineWords.IsBootId(said.BootId)) return Bad("the heartbeat's boot id is malformed");
                var heartbeat = MachineWords.Bounded(said, time.GetUtcNow());
                (session.Last, session.Heard) = (heartbeat, time.GetUtcNow());
                session.BootId = heartbeat.BootId;
                return new HeartbeatReply { Configuration = Configure(registry.Get(session.Machine)!), UnixTimeMs = time.GetUtcNow().ToUnixTimeMilliseconds() };
            case RenewCertificate renewal:
                try
                {
                    using var certificate = authority.SignWorker(renewal.Csr, session.Machine, settings.WorkerCertificate);
                    registry.Update(session.Machine, record => record with { CertificateHash = Hash(certificate), CertificateExpires = certificate.NotAfter }, "certificate renewed");
                    return new CertificateReply { Certificate = certificate.RawData };
                }
                catch (CryptographicException e) { return Bad($"the certificate request is refused: {e.Message}"); }
            case IssueNodeCertificates issue:
                if (cluster is null) return new Fault { Code = FaultCode.Conflict, Text = "this cluster runs no Kubernetes", Hint = "kubernetes.enabled in controller.toml" };
                try { return cluster.Issue(session.Machine, registry.Get(session.Machine)!.Address!, issue); }
                catch (CryptographicException e) { return Bad($"the certificate request is refused: {e.Message}"); }
            default: throw new ArgumentException("no worker's request", nameof(request));
        }
    }

    /// <summary>Whether a certificate is the last one that was issued to an admitted machine.</summary>
    public bool IsCurrent(string machine, X509Certificate2 certificate) =>
        registry.Get(machine) is { Standing: MachineStanding.Admitted } record && record.CertificateHash == Hash(certificate);

    /// <exception cref="ControlFaultException">The machine was removed, or has a newer certificate.</exception>
    public void RequireCurrent(string machine, X509Certificate2 certificate)
    {
        // A renewal keeps its connection; the certificate that it came with is checked when it was opened.
        if (IsCurrent(machine, certificate) || (IsAdmitted(machine) && sessions.Get(machine)?.Connection.PeerCertificate == certificate)) return;
        throw new ControlFaultException(new Fault { Code = FaultCode.Unauthorized, Text = $"the certificate of machine {machine} no longer counts", Hint = "the machine enrols again by itself" });
    }

    private bool IsAdmitted(string machine) => registry.Get(machine)?.Standing == MachineStanding.Admitted;

    public void Seen(string machine)
    {
        try { registry.Update(machine, record => record with { LastSeen = time.GetUtcNow() }); }
        // Removed meanwhile.
        catch (ControlFaultException) { }
    }

    private static Newcomer Read(Enrol request, IPAddress from)
    {
        if (request.Csr is not { Length: > 0 and <= MaxCsr }) throw Malformed("its certificate request is missing or too large");
        if (!MachineWords.IsBootId(request.BootId)) throw Malformed("its boot id is malformed");
        try { return new Newcomer(Inventory.Parse(request.Inventory ?? []), MachineWords.BootRecordOf(request.BootRecord ?? []), request.BootId, from.ToString()); }
        catch (FormatException e) { throw Malformed(e.Message); }
    }

    private EnrolReply Refusal(MachineRecord record)
    {
        var (admission, text, retry) = record.Standing switch
        {
            MachineStanding.Pending => (Admission.Pending, $"waits for an operator: operosctl machines approve {record.Id}", RetrySeconds),
            MachineStanding.Ambiguous => (Admission.Ambiguous, $"{record.Reason}; an operator decides: operosctl machines resolve {record.Id} --as {(record.Candidates.Count > 0 ? record.Candidates[0] : "new")}", RetrySeconds * 2),
            MachineStanding.Rejected => (Admission.Rejected, $"an operator rejected this machine; to let it in: operosctl machines approve {record.Id}", RetrySeconds * 12),
            _ => (Admission.DuplicateLive, "this is the controller's own identity", RetrySeconds * 12),
        };
        return new EnrolReply { Admission = admission, MachineId = record.Id, Text = text, RetryAfterSeconds = retry };
    }

    private NodeConfiguration Configure(MachineRecord record) => new()
    {
        Hostname = record.Id, Name = record.Name, Labels = record.Labels, HeartbeatSeconds = (int)HeartbeatInterval.TotalSeconds, AuthorizedKeys = settings.AuthorizedKeys,
        Kubernetes = cluster?.Describe(),
    };

    private static string Hash(X509Certificate2 certificate) => Convert.ToHexStringLower(SHA256.HashData(certificate.RawData));

    private static Fault Bad(string text) => new() { Code = FaultCode.BadRequest, Text = text };

    private static ControlFaultException Malformed(string text) => new(new Fault { Code = FaultCode.BadRequest, Text = $"the enrolment is refused: {text}", Hint = "is the worker's program of this release?" });
}
