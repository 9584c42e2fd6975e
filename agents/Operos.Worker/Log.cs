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
}
