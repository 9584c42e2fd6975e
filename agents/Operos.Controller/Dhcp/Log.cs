using Microsoft.Extensions.Logging;
using Operos.Controller.Configuration;

namespace Operos.Controller.Dhcp;

/// <summary>What the DHCP service says in the journal: events 1300 to 1399.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 1300, Level = LogLevel.Error, Message = "dnsmasq: {Problem}; starting it again in {Pause} s")]
    public static partial void StartsAgain(this ILogger logger, string problem, double pause);

    [LoggerMessage(EventId = 1301, Level = LogLevel.Debug, Message = "{Line}")]
    public static partial void Said(this ILogger logger, string line);

    [LoggerMessage(EventId = 1302, Level = LogLevel.Warning, Message = "{Warning}")]
    public static partial void Unbootable(this ILogger logger, string warning);

    [LoggerMessage(EventId = 1303, Level = LogLevel.Information, Message = "dnsmasq runs in mode {Mode}")]
    public static partial void Runs(this ILogger logger, DhcpMode mode);
}
