using Microsoft.Extensions.Logging;

namespace Operos.Names;

/// <summary>What the name server says in the journal: events 2000 to 2099.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 2000, Level = LogLevel.Information, Message = "Names outside the cluster are now asked of {Servers}")]
    public static partial void UpstreamChanged(this ILogger logger, string servers);

    [LoggerMessage(EventId = 2001, Level = LogLevel.Warning, Message = "The resolver {Server} asks this name server in turn, so that "
        + "neither has an answer: it is not asked while there is another. Next: name others as dns.upstream in controller.toml")]
    public static partial void ResolverLoops(this ILogger logger, string server);

    [LoggerMessage(EventId = 2002, Level = LogLevel.Information, Message = "The resolver {Server} no longer asks this name server in turn")]
    public static partial void ResolverLoopsNoMore(this ILogger logger, string server);

    [LoggerMessage(EventId = 2010, Level = LogLevel.Warning, Message = "The names that were told last cannot be kept: {Problem}")]
    public static partial void NamesNotKept(this ILogger logger, string problem);

    [LoggerMessage(EventId = 2011, Level = LogLevel.Warning,
        Message = "The names that were told last are not known, until the API server tells them: {Problem}")]
    public static partial void NamesNotRead(this ILogger logger, string problem);

    [LoggerMessage(EventId = 2012, Level = LogLevel.Information,
        Message = "{Count} services have the names that they had, until the API server tells them")]
    public static partial void NamesRestored(this ILogger logger, int count);

    [LoggerMessage(EventId = 2020, Level = LogLevel.Information, Message = "knot takes updates again")]
    public static partial void TakesUpdatesAgain(this ILogger logger);

    [LoggerMessage(EventId = 2021, Level = LogLevel.Warning, Message = "knot: {Problem}")]
    public static partial void UpdateFailed(this ILogger logger, string problem);

    [LoggerMessage(EventId = 2022, Level = LogLevel.Warning, Message = "A name cannot be served and is left out: {Name}")]
    public static partial void NameLeftOut(this ILogger logger, string name);

    [LoggerMessage(EventId = 2023, Level = LogLevel.Error, Message = "knot does not serve the zone {Zone}: nobody gets a name of it")]
    public static partial void ZoneNotServed(this ILogger logger, string zone);

    [LoggerMessage(EventId = 2024, Level = LogLevel.Information, Message = "knot serves all zones again")]
    public static partial void ServesAllZones(this ILogger logger);

    [LoggerMessage(EventId = 2025, Level = LogLevel.Warning, Message = "The zones' files cannot be brought to what is served: {Problem}")]
    public static partial void ZoneFilesNotKept(this ILogger logger, string problem);
}
