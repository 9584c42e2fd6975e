using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net.Sockets;
using System.Security.Authentication;
using Operos.CommandLine;
using Operos.Ctl.Rendering;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Ctl;

/// <summary>
/// Exit codes, and errors as an operator reads them: what failed, why, what next; a stack trace with <c>--debug</c> only.
/// </summary>
internal static class Outcome
{
    public const int Failed = 1, Usage = UsageErrors.ExitCode, Unreachable = 3, Refused = 4;

    public static readonly Option<bool> Debug = new("--debug") { Description = "Show where an error came from", Recursive = true };

    public static async Task<int> RunAsync(RootCommand root, string[] args)
    {
        root.Options.Add(Debug);
        HelpText.Attach(root);
        var parsed = root.Parse(args);
        if (UsageErrors.Tell(parsed, Console.Error)) return Usage;
        if (!AsksController(parsed.CommandResult)) foreach (var option in Credentials.All) option.Hidden = true;
        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (OperationCanceledException) { return 130; }
        catch (Exception e)
        {
            foreach (var line in Words(e)) Console.Error.WriteLine(Terminal.Page(line));
            if (parsed.GetValue(Debug)) Console.Error.WriteLine(e);
            if (e is ControlFaultException { Hint: { } hint }) Console.Error.WriteLine(Terminal.Page($"  next: {hint}"));
            return ExitCode(e);
        }
    }

    /// <summary>What failed and why; a cause that is told in it is not told again.</summary>
    internal static IEnumerable<string> Words(Exception e)
    {
        yield return $"operosctl: {e.Message}";
        var told = e.Message;
        for (var cause = e.InnerException; cause is not null; cause = cause.InnerException)
        {
            if (told.Contains(cause.Message.TrimEnd('.'), StringComparison.Ordinal)) continue;
            yield return $"  because: {cause.Message}";
            told += cause.Message;
        }
    }

    internal static int ExitCode(Exception e) => e switch
    {
        ControlFaultException { Code: FaultCode.NotFound or FaultCode.Conflict or FaultCode.Unauthorized
            or FaultCode.BadRequest } => Refused,
        CertificateRefusedException or CredentialsExpiredException => Refused,
        UnconfirmedException { IsAnswered: false } => Usage,
        TimeoutException or ControllerUnreachableException or IOException { InnerException: SocketException or AuthenticationException }
            => Unreachable,
        _ => Failed,
    };

    /// <summary>Whether a command may ask the controller: the help of one that does not is without the options for that.</summary>
    internal static bool AsksController(CommandResult command)
    {
        for (SymbolResult? at = command; at is not null; at = at.Parent)
            if (at is CommandResult { Command: LocalCommand }) return false;
        return true;
    }
}
