using Microsoft.Extensions.Logging;

namespace Operos.Ceph;

/// <summary>What is said of Ceph: events 4350 to 4399.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 4350, Level = LogLevel.Warning, Message = "How Ceph stands is not known: {Reason}")]
    public static partial void CephNotAsked(this ILogger logger, string reason);

    [LoggerMessage(EventId = 4351, Level = LogLevel.Information, Message = "Pool {Pool}: {Command}")]
    public static partial void PoolChanged(this ILogger logger, string pool, string command);

    [LoggerMessage(EventId = 4352, Level = LogLevel.Warning, Message = "osd.{Osd} was held up, and answered nothing in some placement "
        + "groups for {Seconds} s although it is up: it is marked down, and comes back at once")]
    public static partial void OsdWasHeldUp(this ILogger logger, int osd, double seconds);

    [LoggerMessage(EventId = 4353, Level = LogLevel.Warning, Message = "{What}")]
    public static partial void StoreLost(this ILogger logger, string what);

    [LoggerMessage(EventId = 4354, Level = LogLevel.Warning,
        Message = "The monitor's store is made anew: its newest map is {Epoch}, with {Count} OSDs")]
    public static partial void StoreRebuilt(this ILogger logger, long epoch, int count);
}
