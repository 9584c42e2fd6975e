using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Operos.Authority;
using Operos.Controller.Connections;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Operators;

/// <summary>What operators ask about operators, and who an operator is.</summary>
internal sealed class OperatorAccounts(OperatorRegistry registry, OpenConnections open, string endpoint, TimeProvider time,
    ILogger<OperatorAccounts> logger)
{
    public OperatorRecord? Recognise(X509Certificate2 certificate) => registry.Recognise(certificate);

    /// <summary>Whose request it is, asked for each: what was revoked a moment ago no longer counts.</summary>
    /// <exception cref="ControlFaultException">The certificate does not count, or the role is too small.</exception>
    public OperatorRecord Require(Message request, X509Certificate2 certificate)
    {
        var self = registry.Recognise(certificate) ?? throw Refusal(
            FaultCode.Unauthorized, "this operator's certificate does not count: it was revoked, or has expired",
            "an admin makes another: operosctl operators add, or renew; on the controller's console: operos-controller recover-admin");
        Permissions.Require(request, self);
        return self;
    }

    /// <summary>Null where the request is about other things.</summary>
    public async Task<Message?> HandleAsync(Message request, OperatorRecord self)
    {
        switch (request)
        {
            case ListOperators: return List(self);
            case AddOperator add:
                var life = add.LifeSeconds == 0
                    ? CertificateLives.Operator.Default : TimeSpan.FromSeconds(Math.Clamp(add.LifeSeconds, 0, int.MaxValue));
                using (var first = registry.Add(add.Name, add.Role, life, self.Name, add.Csr ?? []))
                {
                    logger.LogInformation("{User} made the operator {Operator}, {Role}", self.Name, add.Name, add.Role);
                    return Credentials(first, add.Name, add.Role);
                }
            case RenewOperator renewal:
                var whose = string.IsNullOrEmpty(renewal.Name) ? self : Find(renewal.Name);
                using (var next = registry.Certify(whose.Name, renewal.Csr ?? []))
                {
                    logger.LogInformation("{User} renewed the certificate of the operator {Operator}", self.Name, whose.Name);
                    return Credentials(next, whose.Name, whose.Role);
                }
            case RevokeOperator revocation: return await RevokeAsync(revocation.Name, self).ConfigureAwait(false);
            default: return null;
        }
    }

    /// <summary>Those whose certificate use has not renewed, for <c>operosctl status</c>.</summary>
    public IEnumerable<ExpiringCertificate> Expiring() =>
        registry.All.Where(EndsSoon)
            .Select(record => new ExpiringCertificate { Name = $"operator {record.Name}",
                ExpiresUnixMs = record.LastLife!.Value.Ends.ToUnixTimeMilliseconds() });

    private OperatorList List(OperatorRecord self) => new()
    {
        Operators =
        [
            .. registry.All.Select(record => new OperatorSummary
            {
                Name = record.Name, Role = record.Role, CreatedUnixMs = record.Created.ToUnixTimeMilliseconds(),
                CreatedBy = record.CreatedBy,
                ExpiresUnixMs = record.LastLife?.Ends.ToUnixTimeMilliseconds() ?? 0,
                LastSeenUnixMs = record.LastSeen?.ToUnixTimeMilliseconds() ?? 0,
                RevokedUnixMs = record.Revoked?.ToUnixTimeMilliseconds() ?? 0, Self = record.Name == self.Name,
                ExpiresSoon = EndsSoon(record),
            }),
        ],
    };

    private async Task<Message> RevokeAsync(string name, OperatorRecord self)
    {
        // So there is always an admin left.
        if (name == self.Name)
            throw Refusal(FaultCode.Conflict, "nobody revokes themselves",
            "another admin does: operosctl operators add NAME --role admin --out DIR");
        registry.Revoke(name, self.Name);
        await open.CloseAsync((Role.Operator, name)).ConfigureAwait(false);
        logger.LogInformation("{User} revoked the operator {Operator}", self.Name, name);
        return new Done { Text =
            $"{name} is revoked: its certificates no longer count and its connections are closed. A kubeconfig that it was issued works "
            + $"until it expires" };
    }

    private OperatorCredentials Credentials(X509Certificate2 certificate, string name, OperatorRole role) =>
        new() { Certificate = certificate.RawData, Name = name, Role = role, Endpoint = endpoint };

    private OperatorRecord Find(string name) =>
        registry.All.FirstOrDefault(record => record.Name == name && record.Revoked is null)
        ?? throw Refusal(FaultCode.NotFound, $"no operator '{name}'", "operosctl operators lists them");

    private bool EndsSoon(OperatorRecord record) => record.Revoked is null && record.LastLife?.EndsSoon(time.GetUtcNow()) == true;

    private static ControlFaultException Refusal(string code, string text, string? hint) =>
        new(new Fault { Code = code, Text = text, Hint = hint });
}
