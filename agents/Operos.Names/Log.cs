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

    [LoggerMessage(EventId = 2040, Level = LogLevel.Error, Message = "{Daemon}: {Problem}; starting it again in {Pause} s")]
    public static partial void StartsAgain(this ILogger logger, string daemon, string problem, double pause);

    [LoggerMessage(EventId = 2041, Level = LogLevel.Debug, Message = "{Line}")]
    public static partial void Said(this ILogger logger, string line);

    [LoggerMessage(EventId = 2042, Level = LogLevel.Information, Message = "{Daemon} runs")]
    public static partial void Runs(this ILogger logger, string daemon);
}
