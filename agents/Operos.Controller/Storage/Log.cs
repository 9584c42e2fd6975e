using Microsoft.Extensions.Logging;

namespace Operos.Controller.Storage;

/// <summary>What is said in the journal of the machines' OSDs and of volumes: events 1750 to 1799.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 1750, Level = LogLevel.Information, Message = "{Machine} got the key of OSD {Id}, on partition {Partition}")]
    public static partial void OsdGranted(this ILogger logger, string machine, int id, Guid partition);

    [LoggerMessage(EventId = 1751, Level = LogLevel.Warning,
        Message = "{Machine} gets no key of the OSD on partition {Partition}: {Reason}")]
    public static partial void OsdRefused(this ILogger logger, string machine, Guid partition, string reason);

    [LoggerMessage(EventId = 1752, Level = LogLevel.Warning, Message = "{By} removed OSD {Id} of {Machine}: {Loss}")]
    public static partial void OsdRemoved(this ILogger logger, string by, int id, string machine, string loss);

    [LoggerMessage(EventId = 1753, Level = LogLevel.Information, Message = "{By} marked OSD {Id} {Mark}")]
    public static partial void OsdMarked(this ILogger logger, string by, int id, string mark);

    [LoggerMessage(EventId = 1754, Level = LogLevel.Warning,
        Message = "{By} does not want OSD {Osds} to be waited for while the monitor's store is made anew")]
    public static partial void OsdsForgone(this ILogger logger, string by, string osds);

    [LoggerMessage(EventId = 1755, Level = LogLevel.Warning, Message = "{Machine} does not say which maps of Ceph it has: {Reason}")]
    public static partial void MapsNotOffered(this ILogger logger, string machine, string reason);

    [LoggerMessage(EventId = 1756, Level = LogLevel.Information, Message = "OSD {Id} of {Machine} is let in again with its key")]
    public static partial void OsdLetInAgain(this ILogger logger, int id, string machine);

    [LoggerMessage(EventId = 1759, Level = LogLevel.Warning,
        Message = "{Operator} ordered of the pool: copies {Copies}, works with {MinSize}")]
    public static partial void PoolOrdered(this ILogger logger, string @operator, int? copies, int? minSize);

    [LoggerMessage(EventId = 1760, Level = LogLevel.Information, Message = "Volume {Volume} is made for {Claim}: {Bytes} bytes")]
    public static partial void ImageMade(this ILogger logger, string volume, string claim, long bytes);

    [LoggerMessage(EventId = 1761, Level = LogLevel.Warning, Message = "Volume {Volume} is not made or grown: {Reason}")]
    public static partial void ImageNotMade(this ILogger logger, string volume, string reason);

    [LoggerMessage(EventId = 1762, Level = LogLevel.Information, Message = "Volume {Volume} of {Claim} has grown to {Bytes} bytes")]
    public static partial void ImageGrown(this ILogger logger, string volume, string claim, long bytes);

    [LoggerMessage(EventId = 1763, Level = LogLevel.Information, Message = "Volume {Volume} is removed: its claim {Claim} is gone")]
    public static partial void ImageRemoved(this ILogger logger, string volume, string claim);

    [LoggerMessage(EventId = 1764, Level = LogLevel.Warning, Message = "Volume {Volume} is removed later: {Reason}")]
    public static partial void ImageNotRemoved(this ILogger logger, string volume, string reason);

    [LoggerMessage(EventId = 1765, Level = LogLevel.Information,
        Message = "Volume {Volume} of {Claim} was deleted, and its image stays, as its reclaim policy says")]
    public static partial void ImageKept(this ILogger logger, string volume, string claim);

    [LoggerMessage(EventId = 1770, Level = LogLevel.Information, Message = "{Machine} has volume {Volume}")]
    public static partial void VolumeStaged(this ILogger logger, string machine, string volume);

    [LoggerMessage(EventId = 1771, Level = LogLevel.Information, Message = "{Machine} has volume {Volume} no longer")]
    public static partial void VolumeReleased(this ILogger logger, string machine, string volume);

    [LoggerMessage(EventId = 1772, Level = LogLevel.Warning,
        Message = "{Machine} had volume {Volume} before this controller knew: it is written down anew")]
    public static partial void VolumeTold(this ILogger logger, string machine, string volume);

    [LoggerMessage(EventId = 1780, Level = LogLevel.Warning,
        Message = "{Machine} is given up after {Seconds:0} s of silence: its volumes, {Count}, go to others")]
    public static partial void MachineGivenUp(this ILogger logger, string machine, double seconds, int count);

    [LoggerMessage(EventId = 1781, Level = LogLevel.Warning,
        Message = "{Machine} is shut out of Ceph: every OSD that is up has map {Epoch}")]
    public static partial void MachineShutOut(this ILogger logger, string machine, long epoch);

    [LoggerMessage(EventId = 1782, Level = LogLevel.Information, Message = "{Machine} has booted anew: it is shut out of Ceph no longer")]
    public static partial void MachineLetBack(this ILogger logger, string machine);

    [LoggerMessage(EventId = 1783, Level = LogLevel.Warning, Message = "Pod {Pod} is deleted: {Machine}, where it ran, is given up")]
    public static partial void PodEnded(this ILogger logger, string pod, string machine);

    [LoggerMessage(EventId = 1784, Level = LogLevel.Warning, Message = "The volumes of {Machine}, which is silent, stay: {Reason}")]
    public static partial void FailoverWaits(this ILogger logger, string machine, string reason);

    [LoggerMessage(EventId = 1785, Level = LogLevel.Warning,
        Message = "{Machine}, which was removed, keeps its user of Ceph for now: {Reason}")]
    public static partial void UserNotRemoved(this ILogger logger, string machine, string reason);
}
