using Operos.Controller.Audit;
using Operos.Proto;

namespace Operos.Controller.Operations;

/// <summary>Who asked for what, and what became of it.</summary>
internal sealed class AuditReading(AuditLog audit) : Reading<ListAudit>("audit", OperatorRole.Admin)
{
    private const int Most = 1000;

    protected override Message Read(ListAudit input, Caller caller)
    {
        var since = DateTimeOffset.FromUnixTimeMilliseconds(
            Math.Clamp(input.SinceUnixMs, 0, DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()));
        var excerpt = audit.Read(since, string.IsNullOrEmpty(input.User) ? null : input.User, Most);
        return new AuditList
        {
            Records = [.. excerpt.Entries.Select(Describe)], DamagedLines = excerpt.Damaged, NewerLines = excerpt.Newer,
            More = excerpt.More,
        };
    }

    private static AuditRecord Describe(AuditEntry entry) => new()
    {
        Id = entry.Id, UnixMs = entry.At.ToUnixTimeMilliseconds(), User = entry.User, Role = entry.Role, From = entry.From,
        Operation = entry.Operation, Arguments = entry.Arguments, Outcome = entry.Outcome?.ToString().ToLowerInvariant(), Text = entry.Text,
    };
}
