using Microsoft.Extensions.Logging;

namespace Operos.Worker;

/// <summary>What a worker says in the journal: events 3300 to 3399.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 3300, Level = LogLevel.Warning, Message = "Enrolling anew: {Reason}")]
    public static partial void EnrolsAnew(this ILogger logger, string reason);

    [LoggerMessage(EventId = 3301, Level = LogLevel.Warning, Message = "The controller closed the connection; connecting again")]
    public static partial void ConnectionClosed(this ILogger logger);

    [LoggerMessage(EventId = 3302, Level = LogLevel.Information, Message = "Certificate renewed until {Expiry:u}")]
    public static partial void CertificateRenewed(this ILogger logger, DateTime expiry);

    [LoggerMessage(EventId = 3303, Level = LogLevel.Error, Message = "The controller's {Request} failed")]
    public static partial void RequestFailed(this ILogger logger, Exception failure, string request);

    [LoggerMessage(EventId = 3304, Level = LogLevel.Warning, Message = "{Disk} does not carry this machine's token: {Reason}")]
    public static partial void TokenNotCarried(this ILogger logger, string disk, string reason);

    [LoggerMessage(EventId = 3305, Level = LogLevel.Warning, Message = "{Folder} of a volume is not deleted: {Reason}")]
    public static partial void VolumeNotDeleted(this ILogger logger, string folder, string reason);

    [LoggerMessage(EventId = 3306, Level = LogLevel.Warning, Message = "Too much is in a volume: {Text}; kubectl get pv tells whose it is")]
    public static partial void VolumeExceeds(this ILogger logger, string text);

    [LoggerMessage(EventId = 3307, Level = LogLevel.Warning, Message = "What volumes at {Place} hold is not known: {Reason}")]
    public static partial void VolumesNotMeasured(this ILogger logger, string place, string reason);

    [LoggerMessage(EventId = 3320, Level = LogLevel.Information, Message = "{Text}")]
    public static partial void Said(this ILogger logger, string text);

    [LoggerMessage(EventId = 3321, Level = LogLevel.Debug, Message = "No console: {Reason}")]
    public static partial void NoConsole(this ILogger logger, string reason);

    [LoggerMessage(EventId = 3322, Level = LogLevel.Warning, Message = "The clock was off by {Difference}; set to the controller's {Time}")]
    public static partial void ClockWasOff(this ILogger logger, TimeSpan difference, string time);

    [LoggerMessage(EventId = 3323, Level = LogLevel.Warning, Message = "Not all of the node's agent ended as it was told to: {Reason}")]
    public static partial void NodeEndedBadly(this ILogger logger, string reason);

    [LoggerMessage(EventId = 3324, Level = LogLevel.Warning,
        Message = "ssh.service does not follow the controller's keys yet, and is told again at the next heartbeat: {Reason}")]
    public static partial void SshNotSwitched(this ILogger logger, string reason);

    [LoggerMessage(EventId = 3325, Level = LogLevel.Warning,
        Message = "Which node this machine is cannot be kept for an agent that starts anew: {Reason}")]
    public static partial void MembershipNotKept(this ILogger logger, string reason);

    [LoggerMessage(EventId = 3326, Level = LogLevel.Warning,
        Message = "chronyd does not keep this machine's clock: {Reason}; trying again")]
    public static partial void ClockNotKept(this ILogger logger, string reason);

    [LoggerMessage(EventId = 3340, Level = LogLevel.Information, Message = "Disks: {Text}")]
    public static partial void DisksInUse(this ILogger logger, string text);

    [LoggerMessage(EventId = 3341, Level = LogLevel.Warning, Message = "Disks: {Text}; what failed is tried again each minute")]
    public static partial void DisksFailed(this ILogger logger, string text);

    [LoggerMessage(EventId = 3343, Level = LogLevel.Warning, Message = "The controller is not told of the disks: {Reason}")]
    public static partial void DisksNotReported(this ILogger logger, string reason);

    [LoggerMessage(EventId = 3344, Level = LogLevel.Warning, Message = "An order to wipe a disk is not carried out: {Reason}")]
    public static partial void OrderRefused(this ILogger logger, string reason);

    [LoggerMessage(EventId = 3345, Level = LogLevel.Warning, Message = "Disk {Name} cannot be made to blink: {Reason}")]
    public static partial void DiskNotLocated(this ILogger logger, string name, string reason);

    [LoggerMessage(EventId = 3346, Level = LogLevel.Error, Message = "The look at the disks failed")]
    public static partial void DiskPassFailed(this ILogger logger, Exception failure);

    [LoggerMessage(EventId = 3342, Level = LogLevel.Information, Message = "Disk {Step}")]
    public static partial void DiskWork(this ILogger logger, string step);

    [LoggerMessage(EventId = 3350, Level = LogLevel.Information, Message = "OSD {Id} on {Partition} is started")]
    public static partial void OsdRuns(this ILogger logger, int id, string partition);

    [LoggerMessage(EventId = 3351, Level = LogLevel.Information, Message = "OSD {Id} was made on {Partition}")]
    public static partial void OsdMade(this ILogger logger, int id, string partition);

    [LoggerMessage(EventId = 3352, Level = LogLevel.Information, Message = "OSD {Id} is stopped")]
    public static partial void OsdStopped(this ILogger logger, int id);

    [LoggerMessage(EventId = 3353, Level = LogLevel.Warning, Message = "The OSD on {Partition} does not run: {Text}")]
    public static partial void OsdStands(this ILogger logger, string partition, string text);

    [LoggerMessage(EventId = 3354, Level = LogLevel.Warning, Message = "OSDs that are not to run are not stopped yet: {Reason}")]
    public static partial void OsdsNotKept(this ILogger logger, string reason);

    [LoggerMessage(EventId = 3355, Level = LogLevel.Warning, Message = "Which maps the OSD on {Partition} has is not known: {Reason}")]
    public static partial void MapsNotRead(this ILogger logger, string partition, string reason);

    [LoggerMessage(EventId = 3356, Level = LogLevel.Information, Message = "The maps of OSD {Osd} are packed for the controller")]
    public static partial void MapsPacked(this ILogger logger, Guid osd);

    [LoggerMessage(EventId = 3357, Level = LogLevel.Information,
        Message = "OSD {Osd} is started again, as the controller wants: its monitor has another store")]
    public static partial void OsdRestarted(this ILogger logger, Guid osd);

    [LoggerMessage(EventId = 3360, Level = LogLevel.Warning, Message = "The kubelet is not answered for volumes of Ceph: {Reason}")]
    public static partial void VolumesNotAnswered(this ILogger logger, string reason);
}
