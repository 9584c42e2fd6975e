using Microsoft.Extensions.Logging;

namespace Operos.Controller.Boot;

/// <summary>What the boot service says in the journal: events 1500 to 1549.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 1500, Level = LogLevel.Error, Message = "Releases that are not sound: {Problems}")]
    public static partial void UnsoundReleases(this ILogger logger, string problems);

    [LoggerMessage(EventId = 1501, Level = LogLevel.Information, Message = "Releases: {Releases}; workers boot {Current}")]
    public static partial void ReleasesFound(this ILogger logger, string releases, string current);
}
