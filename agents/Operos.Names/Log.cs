using Microsoft.Extensions.Logging;

namespace Operos.Names;

/// <summary>What the name server says in the journal: events 2000 to 2099.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 2000, Level = LogLevel.Information, Message = "Names outside the cluster are now asked of {Servers}")]
    public static partial void UpstreamChanged(this ILogger logger, string servers);

    [LoggerMessage(EventId = 2020, Level = LogLevel.Information, Message = "knot takes updates again")]
    public static partial void TakesUpdatesAgain(this ILogger logger);

    [LoggerMessage(EventId = 2021, Level = LogLevel.Warning, Message = "knot: {Problem}")]
    public static partial void UpdateFailed(this ILogger logger, string problem);
}
