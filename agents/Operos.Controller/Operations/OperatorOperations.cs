using System.Security.Cryptography.X509Certificates;
using Operos.Authority;
using Operos.Controller.Connections;
using Operos.Controller.Operators;
using Operos.Proto;

namespace Operos.Controller.Operations;

/// <summary>Who may operate the cluster.</summary>
internal sealed class OperatorListing(OperatorRegistry operators, TimeProvider time) : Reading<ListOperators>("operators list")
{
    protected override Message Read(ListOperators input, Caller caller) => new OperatorList
    {
        Operators =
        [
            .. operators.All.Select(record => new OperatorSummary
            {
                Name = record.Name, Role = record.Role, CreatedUnixMs = record.Created.ToUnixTimeMilliseconds(),
                CreatedBy = record.CreatedBy,
                ExpiresUnixMs = record.LastLife?.Ends.ToUnixTimeMilliseconds() ?? 0,
                LastSeenUnixMs = operators.LastSeen(record)?.ToUnixTimeMilliseconds() ?? 0,
                RevokedUnixMs = record.Revoked?.ToUnixTimeMilliseconds() ?? 0, Self = record.Name == caller.Name,
                ExpiresSoon = EndsSoon(record, time.GetUtcNow()),
            }),
        ],
    };

    /// <summary>What expired longer ago is no news: <c>operosctl operators</c> still tells it.</summary>
    private static readonly TimeSpan ToldAfterwards = TimeSpan.FromDays(1);

    /// <summary>Those whose certificate use has not renewed, for <c>operosctl status</c>.</summary>
    public static IEnumerable<ExpiringCertificate> Expiring(OperatorRegistry operators, DateTimeOffset now) =>
        operators.All.Where(record => EndsSoon(record, now) && now - record.LastLife!.Value.Ends < ToldAfterwards)
            .Select(record => new ExpiringCertificate
            { Name = $"operator {record.Name}", ExpiresUnixMs = record.LastLife!.Value.Ends.ToUnixTimeMilliseconds() });

    private static bool EndsSoon(OperatorRecord record, DateTimeOffset now) =>
        record.Revoked is null && record.LastLife?.EndsSoon(now) == true;
}

/// <summary>Makes an operator and its first certificate.</summary>
/// <param name="endpoint">The control endpoint as operators reach it.</param>
internal sealed class OperatorCreation(OperatorRegistry operators, string endpoint)
    : Operation<AddOperator>("operators add", OperatorRole.Admin)
{
    public override bool GivesPower => true;

    protected override IEnumerable<(string Name, string? Value)> Record(AddOperator input) =>
        [("name", input.Name), ("role", $"{input.Role}".ToLowerInvariant()), ("life-seconds", $"{input.LifeSeconds}")];

    protected override Task<Message> RunAsync(AddOperator input, Caller caller, CancellationToken cancellationToken)
    {
        var life = input.LifeSeconds == 0
            ? CertificateLives.Operator.Default : TimeSpan.FromSeconds(Math.Clamp(input.LifeSeconds, 0, int.MaxValue));
        using var first = operators.Add(input.Name, input.Role, life, caller.Name, input.Csr ?? []);
        return Task.FromResult<Message>(Credentials(first, input.Name, input.Role, endpoint));
    }

    public static OperatorCredentials Credentials(X509Certificate2 certificate, string name, OperatorRole role, string endpoint) =>
        new() { Certificate = certificate.RawData, Name = name, Role = role, Endpoint = endpoint };
}

/// <summary>A further certificate of an operator: everybody may have one of their own, an admin one for others.</summary>
internal sealed class OperatorRenewal(OperatorRegistry operators, string endpoint)
    : Operation<RenewOperator>("operators renew", OperatorRole.Admin)
{
    public override bool GivesPower => true;

    protected override OperatorRole RoleFor(RenewOperator input, Caller caller) =>
        string.IsNullOrEmpty(input.Name) || input.Name == caller.Name ? OperatorRole.Viewer : OperatorRole.Admin;

    protected override IEnumerable<(string Name, string? Value)> Record(RenewOperator input) =>
        [("name", string.IsNullOrEmpty(input.Name) ? null : input.Name)];

    protected override Task<Message> RunAsync(RenewOperator input, Caller caller, CancellationToken cancellationToken)
    {
        var whose = string.IsNullOrEmpty(input.Name) ? caller.Name : input.Name;
        var record = operators.Find(whose);
        using var next = operators.Certify(record.Name, input.Csr ?? []);
        return Task.FromResult<Message>(OperatorCreation.Credentials(next, record.Name, record.Role, endpoint));
    }
}

/// <summary>Ends all certificates and connections of an operator, at once.</summary>
internal sealed class OperatorRevocation(OperatorRegistry operators, OpenConnections open)
    : Operation<RevokeOperator>("operators revoke", OperatorRole.Admin)
{
    protected override IEnumerable<(string Name, string? Value)> Record(RevokeOperator input) => [("name", input.Name)];

    protected override async Task<Message> RunAsync(RevokeOperator input, Caller caller, CancellationToken cancellationToken)
    {
        // So there is always an admin left.
        if (input.Name == caller.Name)
            throw new RefusedException(RefusalKind.Conflict, "nobody revokes themselves",
                "another admin does: operosctl operators add NAME --role admin --out DIR");
        operators.Revoke(input.Name, caller.Name);
        await open.CloseAsync((Role.Operator, input.Name)).ConfigureAwait(false);
        return new Done { Text = $"{input.Name} is revoked: its certificates no longer count and its connections are closed. A kubeconfig "
            + "that it was issued works until it expires" };
    }
}
