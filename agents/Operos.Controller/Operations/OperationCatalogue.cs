using Microsoft.Extensions.Logging;
using Operos.Controller.Audit;
using Operos.Proto;

namespace Operos.Controller.Operations;

/// <summary>
/// All that operators can do. Whatever takes their requests (the control endpoint) has them done here: whether the caller may is decided,
/// and what changes something is written to the audit log, before and after.
/// </summary>
internal sealed class OperationCatalogue(IEnumerable<Operation> operations, AuditLog audit, ILogger<OperationCatalogue> logger)
{
    private readonly Dictionary<Type, Operation> byInput = operations.ToDictionary(operation => operation.Input);

    public IEnumerable<Operation> All => byInput.Values;

    /// <exception cref="RefusedException">It is not done.</exception>
    public async Task<Message> RunAsync(Message input, Caller caller, CancellationToken cancellationToken)
    {
        var operation = byInput.GetValueOrDefault(input.GetType());
        if (operation is { Changes: false })
        {
            Require(operation, input, caller);
            return await operation.RunAsync(input, caller, cancellationToken).ConfigureAwait(false);
        }
        var entry = audit.Describe(caller.Name, RoleName(caller.Role), caller.From, operation?.Name ?? input.GetType().Name,
            operation?.Record(input) ?? []);
        var arguments = string.Join(' ', entry.Arguments.Select(argument => $"{argument.Key}={argument.Value}"));
        logger.Asked(entry.User, entry.Role, entry.From, entry.Operation, arguments);
        try
        {
            Require(operation, input, caller);
            if (!audit.Asked(entry) && operation!.GivesPower)
                throw new RefusedException(RefusalKind.Conflict,
                    $"{entry.Operation} is not done: the audit log cannot be written",
                    "make room on the controller's disk; operosctl status says why");
            var result = await operation!.RunAsync(input, caller, cancellationToken).ConfigureAwait(false);
            audit.Ended(entry, AuditOutcome.Done, (result as Done)?.Text);
            return result;
        }
        catch (Exception e)
        {
            audit.Ended(entry, e is RefusedException ? AuditOutcome.Refused : AuditOutcome.Failed,
                e is OperationCanceledException ? "whoever asked did not wait for the end" : e.Message);
            throw;
        }
    }

    /// <exception cref="RefusedException">The role is too small, or there is no such operation.</exception>
    private static void Require(Operation? operation, Message input, Caller caller)
    {
        // What nobody knows is an admin's.
        var needed = operation?.RoleFor(input, caller) ?? OperatorRole.Admin;
        if (caller.Role < needed)
            throw new RefusedException(RefusalKind.Forbidden,
                $"{caller.Name} is {In(caller.Role)}; {operation?.Name ?? input.GetType().Name} takes {In(needed)}",
                $"ask {In(needed)}: operosctl operators lists operators and their roles");
        if (operation is null)
            throw new RefusedException(RefusalKind.Invalid, $"{input.GetType().Name} is no operator's request");
    }

    private static string RoleName(OperatorRole role) => role.ToString().ToLowerInvariant();

    private static string In(OperatorRole role) =>
        role switch { OperatorRole.Viewer => "a viewer", OperatorRole.Operator => "an operator", _ => "an admin" };
}
