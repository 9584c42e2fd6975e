using Microsoft.Extensions.Logging;

namespace Operos.Controller.Boot;

/// <summary>What the boot service says in the journal: events 1500 to 1549.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 1500, Level = LogLevel.Error, Message = "Releases that are not sound: {Problems}")]
    public static partial void UnsoundReleases(this ILogger logger, string problems);

    [LoggerMessage(EventId = 1501, Level = LogLevel.Information, Message = "Releases: {Releases}; workers boot {Current}")]
    public static partial void ReleasesFound(this ILogger logger, string releases, string current);

    [LoggerMessage(EventId = 1502, Level = LogLevel.Warning,
        Message = "What machines fetched before this start is not known: {Path}: {Reason}")]
    public static partial void BootsNotRecalled(this ILogger logger, string path, string reason);

    [LoggerMessage(EventId = 1503, Level = LogLevel.Warning,
        Message = "What machines fetch cannot be kept for the next start: {Path}: {Reason}")]
    public static partial void BootsNotKept(this ILogger logger, string path, string reason);

    [LoggerMessage(EventId = 1504, Level = LogLevel.Warning, Message = "Nobody reaches this controller: {Missing}")]
    public static partial void AddressIsMissing(this ILogger logger, string missing);

    [LoggerMessage(EventId = 1505, Level = LogLevel.Information, Message = "{Address} is this machine's now")]
    public static partial void AddressIsThere(this ILogger logger, System.Net.IPAddress address);
}
