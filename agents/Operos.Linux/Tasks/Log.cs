using Microsoft.Extensions.Logging;

namespace Operos.Linux.Tasks;

/// <summary>What is said of an agent's parts: events 4050 to 4059.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 4050, Level = LogLevel.Error,
        Message = "{Part} failed: {Reason}; it begins again in {Pause} s, all else goes on")]
    public static partial void PartFailed(this ILogger logger, Exception failure, string part, string reason, double pause);

    [LoggerMessage(EventId = 4051, Level = LogLevel.Error, Message = "{Part} cannot be made: {Reason}; all else goes on without it")]
    public static partial void PartCannotBeMade(this ILogger logger, Exception failure, string part, string reason);
}
