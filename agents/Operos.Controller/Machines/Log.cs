using Microsoft.Extensions.Logging;

namespace Operos.Controller.Machines;

/// <summary>What the registry of machines says in the journal: events 1250 to 1299.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 1250, Level = LogLevel.Error,
        Message = "The record {File} is damaged and was set aside as {Aside}: {Reason}. Its machine's id and Node stay its own")]
    public static partial void RecordDamaged(this ILogger logger, string file, string aside, string reason);

    [LoggerMessage(EventId = 1251, Level = LogLevel.Error,
        Message = "The record {File} cannot be read and is left as it is: {Reason}. Its machine's id and Node stay its own")]
    public static partial void RecordUnreadable(this ILogger logger, string file, string reason);

    [LoggerMessage(EventId = 1252, Level = LogLevel.Error,
        Message = "The record {File} cannot be written, nor may others: {Reason}. Next: make room on the controller's disk")]
    public static partial void RecordNotSaved(this ILogger logger, string file, string reason);

    [LoggerMessage(EventId = 1255, Level = LogLevel.Error,
        Message = "What happens to machines cannot be written to the log of events: {Reason}. Their own records have the last of it")]
    public static partial void EventsNotWritten(this ILogger logger, string reason);
}
