using System.Net;
using Microsoft.Extensions.Logging;

namespace Operos.Boot;

/// <summary>What the boot server says in the journal: events 4200 to 4299.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 4200, Level = LogLevel.Information, Message = "Boot server listens on http://{Endpoint}")]
    public static partial void Listens(this ILogger logger, IPEndPoint endpoint);

    [LoggerMessage(EventId = 4201, Level = LogLevel.Error, Message = "Serving {Client} failed")]
    public static partial void ServingFailed(this ILogger logger, Exception failure, IPAddress? client);

    [LoggerMessage(EventId = 4202, Level = LogLevel.Warning, Message = "Accepting a connection failed: {Reason}")]
    public static partial void AcceptFailed(this ILogger logger, string reason);

    [LoggerMessage(EventId = 4210, Level = LogLevel.Debug, Message = "{Client} refused with {Status}")]
    public static partial void Refused(this ILogger logger, IPAddress client, int status);

    [LoggerMessage(EventId = 4211, Level = LogLevel.Debug, Message = "{Client} {Path}: 404")]
    public static partial void NotFound(this ILogger logger, IPAddress client, string path);

    [LoggerMessage(EventId = 4212, Level = LogLevel.Debug, Message = "{Client} {Path}: {Status}, {From}-{To} of {Length}")]
    public static partial void Answered(this ILogger logger, IPAddress client, string path, int status, long from, long to, long length);
}
