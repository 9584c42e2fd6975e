using Microsoft.Extensions.Logging;

namespace Operos.Controller.Audit;

/// <summary>What the audit log says in the journal: events 1110 to 1119.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 1110, Level = LogLevel.Error,
        Message = "The audit log cannot be written: {Reason}. What it misses: {Entry}")]
    public static partial void NotWritten(this ILogger logger, string reason, string entry);

    [LoggerMessage(EventId = 1111, Level = LogLevel.Warning,
        Message = "The audit log is written again; what it misses is in this journal")]
    public static partial void WrittenAgain(this ILogger logger);

    [LoggerMessage(EventId = 1112, Level = LogLevel.Warning,
        Message = "The last line of {Path} was cut off, as by a power cut; it is skipped")]
    public static partial void Torn(this ILogger logger, string path);
}
