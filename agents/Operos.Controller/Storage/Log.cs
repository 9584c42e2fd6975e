using Microsoft.Extensions.Logging;

namespace Operos.Controller.Storage;

/// <summary>What is said in the journal of the machines' OSDs: events 1750 to 1799.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 1750, Level = LogLevel.Information, Message = "{Machine} got the key of OSD {Id}, on partition {Partition}")]
    public static partial void OsdGranted(this ILogger logger, string machine, int id, Guid partition);

    [LoggerMessage(EventId = 1751, Level = LogLevel.Warning,
        Message = "{Machine} gets no key of the OSD on partition {Partition}: {Reason}")]
    public static partial void OsdRefused(this ILogger logger, string machine, Guid partition, string reason);
}
