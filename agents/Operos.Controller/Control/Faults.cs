using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Control;

/// <summary>Refusals as the control protocol tells them.</summary>
internal static class Faults
{
    public static ControlFaultException From(RefusedException refusal) =>
        new(new Fault { Code = CodeOf(refusal.Kind), Text = refusal.Message, Hint = refusal.Hint });

    private static string CodeOf(RefusalKind kind) => kind switch
    {
        RefusalKind.NotFound => FaultCode.NotFound,
        RefusalKind.Conflict => FaultCode.Conflict,
        RefusalKind.Forbidden => FaultCode.Unauthorized,
        _ => FaultCode.BadRequest,
    };
}
