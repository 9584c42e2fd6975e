using Microsoft.Extensions.Logging;

namespace Operos.Csi;

/// <summary>What is said of volumes in the journal: events 4400 to 4449.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 4400, Level = LogLevel.Information, Message = "Volume {Volume} is at {Device}, by {Address}")]
    public static partial void VolumeStaged(this ILogger logger, string volume, string device, string address);

    [LoggerMessage(EventId = 4401, Level = LogLevel.Information, Message = "Volume {Volume} is let go ({Device})")]
    public static partial void VolumeLetGo(this ILogger logger, string volume, string device);

    [LoggerMessage(EventId = 4402, Level = LogLevel.Error, Message = "Volume {Volume} is not {What}")]
    public static partial void VolumeWorkFailed(this ILogger logger, Exception failure, string volume, string what);

    [LoggerMessage(EventId = 4403, Level = LogLevel.Information, Message = "The kubelet knows the driver")]
    public static partial void Registered(this ILogger logger);

    [LoggerMessage(EventId = 4404, Level = LogLevel.Warning, Message = "The kubelet refuses the driver: {Reason}")]
    public static partial void NotRegistered(this ILogger logger, string reason);

    [LoggerMessage(EventId = 4405, Level = LogLevel.Warning,
        Message = "The controller does not take it that volume {Volume} is mapped here: {Reason}")]
    public static partial void VolumeNotTold(this ILogger logger, string volume, string reason);
}
