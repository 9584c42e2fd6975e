using Microsoft.Extensions.Logging;

namespace Operos.Controller.Operators;

/// <summary>What is said in the journal of operators: events 1200 to 1249.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 1200, Level = LogLevel.Error,
        Message = "When the operator {Name} was seen cannot be written down: {Reason}")]
    public static partial void SeenNotSaved(this ILogger logger, string name, string reason);

    [LoggerMessage(EventId = 1201, Level = LogLevel.Error,
        Message = "The record {File} is damaged and was set aside as {Aside}: {Reason}. Its operator's certificates no longer count")]
    public static partial void RecordDamaged(this ILogger logger, string file, string aside, string reason);

    [LoggerMessage(EventId = 1202, Level = LogLevel.Error, Message = "The operator {Name} is unknown: {Reason}")]
    public static partial void OperatorUnknown(this ILogger logger, string name, string reason);
}
