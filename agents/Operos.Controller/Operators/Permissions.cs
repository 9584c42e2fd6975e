using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Operators;

/// <summary>Which role each operation takes. One that is not named here is an admin's.</summary>
internal static class Permissions
{
    public static OperatorRole RoleFor(Message request, string self) => request switch
    {
        ListMachines or ShowMachine or ExplainMachine or ListLeases or ListReleases or ListBoots or ShowStatus or ListOperators =>
            OperatorRole.Viewer,
        RenewOperator renewal when string.IsNullOrEmpty(renewal.Name) || renewal.Name == self => OperatorRole.Viewer,
        ApproveMachine or RejectMachine or ResolveMachine or RenameMachine or LabelMachine or RebootMachine or RemoveMachine =>
            OperatorRole.Operator,
        _ => OperatorRole.Admin,
    };

    /// <exception cref="ControlFaultException">The operator's role is too small.</exception>
    public static void Require(Message request, OperatorRecord self)
    {
        var needed = RoleFor(request, self.Name);
        if (self.Role < needed)
            throw new ControlFaultException(new Fault
            {
                Code = FaultCode.Unauthorized, Text = $"{self.Name} is {In(self.Role)}; {request.GetType().Name} takes {In(needed)}",
                Hint = "operosctl operators lists who is",
            });
    }

    private static string In(OperatorRole role) =>
        role switch { OperatorRole.Viewer => "a viewer", OperatorRole.Operator => "an operator", _ => "an admin" };
}
