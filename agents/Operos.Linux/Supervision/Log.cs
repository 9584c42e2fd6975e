using Microsoft.Extensions.Logging;

namespace Operos.Linux.Supervision;

/// <summary>What is said of daemons: events 4000 to 4049.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 4000, Level = LogLevel.Information, Message = "{Daemon} runs")]
    public static partial void Runs(this ILogger logger, string daemon);

    [LoggerMessage(EventId = 4001, Level = LogLevel.Information, Message = "{Daemon} runs already, as process {Process}")]
    public static partial void Found(this ILogger logger, string daemon, int process);

    [LoggerMessage(EventId = 4002, Level = LogLevel.Error, Message = "{Daemon}: {Problem}; starting it again in {Pause} s")]
    public static partial void Ended(this ILogger logger, string daemon, string problem, double pause);

    [LoggerMessage(EventId = 4003, Level = LogLevel.Debug, Message = "{Daemon}: {Line}")]
    public static partial void Said(this ILogger logger, string daemon, string line);

    [LoggerMessage(EventId = 4004, Level = LogLevel.Warning, Message = "{Daemon}: systemd cannot be asked: {Reason}")]
    public static partial void NotAsked(this ILogger logger, string daemon, string reason);

    [LoggerMessage(EventId = 4005, Level = LogLevel.Information, Message = "{Daemon} is started again: {Reason}")]
    public static partial void Restarts(this ILogger logger, string daemon, string reason);
}
