using Microsoft.Extensions.Logging;

namespace Operos.Controller.Jobs;

/// <summary>What jobs say in the journal: events 1120 to 1139.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 1120, Level = LogLevel.Error,
        Message = "The record {Path} is damaged and was set aside as {Aside}: {Reason}. What its job had begun is not gone on with: "
            + "see operosctl machines")]
    public static partial void RecordDamaged(this ILogger logger, string path, string aside, string reason);

    [LoggerMessage(EventId = 1121, Level = LogLevel.Information,
        Message = "Job {Id} goes on: {Kind} of {Machine}")]
    public static partial void Resumed(this ILogger logger, string id, JobKind kind, string machine);

    [LoggerMessage(EventId = 1122, Level = LogLevel.Information,
        Message = "Job {Id} ended ({Kind} of {Machine}): {State}: {Text}")]
    public static partial void Ended(this ILogger logger, string id, JobKind kind, string machine, JobState state, string text);

    [LoggerMessage(EventId = 1123, Level = LogLevel.Error,
        Message = "Job {Id} failed ({Kind} of {Machine})")]
    public static partial void Failed(this ILogger logger, Exception failure, string id, JobKind kind, string machine);

    [LoggerMessage(EventId = 1125, Level = LogLevel.Error,
        Message = "The record {Path} cannot be read and is left as it is: {Reason}. What its job had begun is not gone on with")]
    public static partial void RecordUnreadable(this ILogger logger, string path, string reason);

    [LoggerMessage(EventId = 1124, Level = LogLevel.Error,
        Message = "The record of job {Id} cannot be written: {Reason}")]
    public static partial void NotSaved(this ILogger logger, string id, string reason);

    [LoggerMessage(EventId = 1126, Level = LogLevel.Warning,
        Message = "{Machine} lost the disk with containerd's and the kubelet's folders: it is drained and rebooted, job {Id}")]
    public static partial void LostDisk(this ILogger logger, string machine, string id);

    [LoggerMessage(EventId = 1127, Level = LogLevel.Error,
        Message = "{Machine} lost the disk with containerd's and the kubelet's folders soon after it lost one before, and is left to an "
            + "operator: operosctl why {Machine}")]
    public static partial void LeftToOperator(this ILogger logger, string machine);

    [LoggerMessage(EventId = 1128, Level = LogLevel.Error,
        Message = "{Machine} lost the disk with containerd's and the kubelet's folders, and its reboot cannot be begun yet: {Reason}")]
    public static partial void NotBegun(this ILogger logger, string machine, string reason);
}
