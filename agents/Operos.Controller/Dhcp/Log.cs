using Microsoft.Extensions.Logging;

namespace Operos.Controller.Dhcp;

/// <summary>What the DHCP service says in the journal: events 1300 to 1399.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 1302, Level = LogLevel.Warning, Message = "{Warning}")]
    public static partial void Unbootable(this ILogger logger, string warning);
}
