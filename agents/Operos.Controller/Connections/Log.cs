using Microsoft.Extensions.Logging;

namespace Operos.Controller.Connections;

/// <summary>What is said in the journal of machines that are told something: events 1090 to 1099.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 1090, Level = LogLevel.Error,
        Message = "The record of {Machine} cannot be written ({Happened}): {Reason}")]
    public static partial void NotNoted(this ILogger logger, string machine, string happened, string reason);

    [LoggerMessage(EventId = 1091, Level = LogLevel.Warning, Message = "{Machine} was told to reboot and has not answered: {Reason}")]
    public static partial void NotAnswered(this ILogger logger, string machine, string reason);
}
