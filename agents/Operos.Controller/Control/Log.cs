using System.Net;
using Microsoft.Extensions.Logging;

namespace Operos.Controller.Control;

/// <summary>What the control endpoint says in the journal: events 1000 to 1099.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 1000, Level = LogLevel.Information, Message = "Control endpoint listens on {Endpoint}")]
    public static partial void Listens(this ILogger logger, IPEndPoint endpoint);

    [LoggerMessage(EventId = 1001, Level = LogLevel.Error, Message = "The control connection from {Client} failed")]
    public static partial void ConnectionFailed(this ILogger logger, Exception failure, IPAddress client);

    [LoggerMessage(EventId = 1002, Level = LogLevel.Warning,
        Message = "Refused a control connection from {Client}: {Reason} ({Count} refused so far)")]
    public static partial void Refused(this ILogger logger, IPAddress client, string reason, long count);

    [LoggerMessage(EventId = 1020, Message = "{Request} of {Peer} is refused: {Reason}")]
    public static partial void RequestRefused(this ILogger logger, LogLevel level, string request, string peer, string? reason);

    [LoggerMessage(EventId = 1021, Level = LogLevel.Error, Message = "{Request} of {Peer} failed")]
    public static partial void RequestFailed(this ILogger logger, Exception failure, string request, string peer);

    [LoggerMessage(EventId = 1022, Level = LogLevel.Information, Message = "Machine {Machine} disconnected")]
    public static partial void Disconnected(this ILogger logger, string machine);

    [LoggerMessage(EventId = 1023, Level = LogLevel.Information, Message = "Machine {Machine} is up at {Address}")]
    public static partial void IsUp(this ILogger logger, string machine, IPAddress address);

    [LoggerMessage(EventId = 1040, Level = LogLevel.Information, Message = "Machine {Machine} enrolled from {Address}")]
    public static partial void Enrolled(this ILogger logger, string machine, IPAddress address);

    [LoggerMessage(EventId = 1041, Level = LogLevel.Warning, Message = "ALARM: machine {Machine} {Alarm}")]
    public static partial void AdmittedWithAlarm(this ILogger logger, string machine, string? alarm);

    [LoggerMessage(EventId = 1042, Level = LogLevel.Warning, Message = "ALARM: {Address} presents the evidence of {Machine}: {Reason}")]
    public static partial void EvidencePresented(this ILogger logger, string address, string machine, string reason);
}
