using Microsoft.Extensions.Logging;

namespace Operos.Controller.Disks;

/// <summary>What is said in the journal of machines' disks: events 1700 to 1749.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 1700, Level = LogLevel.Warning,
        Message = "{Path} is no report of disks and is not used ({Reason}); the machine tells its disks anew when it connects")]
    public static partial void ReportUnreadable(this ILogger logger, string path, string reason);

    [LoggerMessage(EventId = 1701, Level = LogLevel.Warning,
        Message = "What {Machine} says of its disks cannot be kept for the time when it is down: {Reason}")]
    public static partial void ReportNotKept(this ILogger logger, string machine, string reason);

    [LoggerMessage(EventId = 1702, Level = LogLevel.Error,
        Message = "No disk is put to work: which ones are kept out is not known: {Reason}")]
    public static partial void ExclusionsUnknown(this ILogger logger, string reason);

    [LoggerMessage(EventId = 1703, Level = LogLevel.Error, Message = "No keys of disks are given out: {Reason}")]
    public static partial void KeysNotGiven(this ILogger logger, string reason);

    [LoggerMessage(EventId = 1704, Level = LogLevel.Information, Message = "{Machine} got the keys of {Count} disks")]
    public static partial void KeysGiven(this ILogger logger, string machine, int count);
}
