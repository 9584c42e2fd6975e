using Microsoft.Extensions.Logging;

namespace Operos.Controller;

/// <summary>What the controller says of itself in the journal: events 1600 to 1649. Its folders have their own.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 1600, Level = LogLevel.Critical, Message = "The controller ends: {Reason}")]
    public static partial void ControllerEnds(this ILogger logger, Exception failure, string reason);

    [LoggerMessage(EventId = 1601, Level = LogLevel.Warning, Message = "{Path} cannot be read, all releases are hashed: {Reason}")]
    public static partial void BootRecordUnreadable(this ILogger logger, string path, string reason);

    [LoggerMessage(EventId = 1602, Level = LogLevel.Warning, Message = "The controller is not in the list of machines: {Reason}")]
    public static partial void NotListed(this ILogger logger, string reason);

    [LoggerMessage(EventId = 1603, Level = LogLevel.Warning, Message = "Not all of the controller ended as it was told to: {Reason}")]
    public static partial void EndedBadly(this ILogger logger, string reason);

    [LoggerMessage(EventId = 1604, Level = LogLevel.Warning,
        Message = "{Doubt}; the controller goes on with it, operos-controller check-config refuses it")]
    public static partial void ConfigurationDoubted(this ILogger logger, string doubt);
}
