using Microsoft.Extensions.Logging;

namespace Operos.Controller.Machines;

/// <summary>What the registry of machines says in the journal: events 1250 to 1299.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 1250, Level = LogLevel.Error,
        Message = "The record {File} is damaged and was set aside as {Aside}: {Reason}. Its machine is treated as new")]
    public static partial void RecordDamaged(this ILogger logger, string file, string aside, string reason);
}
