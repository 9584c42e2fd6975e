using Microsoft.Extensions.Logging;

namespace Operos.Controller.Operations;

/// <summary>What is said in the journal of what operators ask for: events 1100 to 1109.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 1100, Level = LogLevel.Information,
        Message = "{User} ({Role}, from {From}) asks for {Operation} {Arguments}")]
    public static partial void Asked(this ILogger logger, string user, string role, string from, string operation,
        string arguments);
}
