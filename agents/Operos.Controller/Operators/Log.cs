using Microsoft.Extensions.Logging;

namespace Operos.Controller.Operators;

/// <summary>What is said in the journal of operators: events 1200 to 1249.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 1200, Level = LogLevel.Error,
        Message = "When the operator {Name} was seen cannot be written down: {Reason}")]
    public static partial void SeenNotSaved(this ILogger logger, string name, string reason);
}
