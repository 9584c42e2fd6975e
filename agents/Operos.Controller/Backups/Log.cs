using Microsoft.Extensions.Logging;

namespace Operos.Controller.Backups;

/// <summary>What backups say in the journal: events 1650 to 1699.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 1650, Level = LogLevel.Information,
        Message = "The backup {Name} was made and read back: {Size} bytes, {Parts} files")]
    public static partial void Made(this ILogger logger, string name, long size, int parts);

    [LoggerMessage(EventId = 1651, Level = LogLevel.Error, Message = "The backup of this day was not made: {Reason}")]
    public static partial void NotMade(this ILogger logger, string reason);
}
