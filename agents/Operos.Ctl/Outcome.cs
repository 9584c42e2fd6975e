using System.CommandLine;
using System.Net.Sockets;
using Operos.Ctl.Rendering;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Ctl;

/// <summary>
/// Exit codes, and errors as an operator reads them: what failed, why, what next; a stack trace with <c>--debug</c> only.
/// </summary>
internal static class Outcome
{
    public const int Failed = 1, Usage = 2, Unreachable = 3, Refused = 4;

    public static readonly Option<bool> Debug = new("--debug") { Description = "Show where an error came from", Recursive = true };

    public static async Task<int> RunAsync(RootCommand root, string[] args)
    {
        root.Options.Add(Debug);
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors) Console.Error.WriteLine($"operosctl: {error.Message}");
            Console.Error.WriteLine("  see operosctl --help");
            return Usage;
        }
        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (OperationCanceledException) { return 130; }
        catch (Exception e)
        {
            Console.Error.WriteLine(Terminal.Page($"operosctl: {e.Message}"));
            for (var cause = e.InnerException; cause is not null; cause = cause.InnerException)
                Console.Error.WriteLine(Terminal.Page($"  because: {cause.Message}"));
            if (parsed.GetValue(Debug)) Console.Error.WriteLine(e);
            if (e is ControlFaultException { Hint: { } hint }) Console.Error.WriteLine(Terminal.Page($"  next: {hint}"));
            return e switch
            {
                ControlFaultException { Code: FaultCode.NotFound or FaultCode.Conflict or FaultCode.Unauthorized
                    or FaultCode.BadRequest } => Refused,
                TimeoutException or ControllerUnreachableException or IOException { InnerException: SocketException } => Unreachable,
                _ => Failed,
            };
        }
    }
}
