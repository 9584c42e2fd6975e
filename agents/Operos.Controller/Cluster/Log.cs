using Microsoft.Extensions.Logging;

namespace Operos.Controller.Cluster;

/// <summary>What the controller says of the Kubernetes cluster in the journal: events 1400 to 1499.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 1420, Level = LogLevel.Warning, Message = "Node {Node} cannot be brought in line: {Reason}")]
    public static partial void NodeNotInLine(this ILogger logger, string node, string reason);

    [LoggerMessage(EventId = 1421, Level = LogLevel.Warning, Message = "Node {Node} is deleted: no machine of that name is admitted")]
    public static partial void NodeDeleted(this ILogger logger, string node);

    [LoggerMessage(EventId = 1422, Level = LogLevel.Warning,
        Message = "Pods have no answers from here before the API server tells the nodes: {Reason}")]
    public static partial void RoutesNotRecalled(this ILogger logger, string reason);

    [LoggerMessage(EventId = 1430, Level = LogLevel.Information, Message = "Machine {Machine} was issued the certificates {Purposes}")]
    public static partial void CertificatesIssued(this ILogger logger, string machine, string purposes);

    [LoggerMessage(EventId = 1431, Level = LogLevel.Warning, Message = "Machine {Machine} is not drained: {Reason}")]
    public static partial void NotDrained(this ILogger logger, string machine, string reason);

    [LoggerMessage(EventId = 1432, Level = LogLevel.Warning, Message = "The Node of {Machine} is deleted later: {Reason}")]
    public static partial void NodeDeletedLater(this ILogger logger, string machine, string reason);

    [LoggerMessage(EventId = 1440, Level = LogLevel.Information, Message = "Volume {Volume} is made on {Machine} for {Claim}")]
    public static partial void VolumeMade(this ILogger logger, string volume, string machine, string claim);

    [LoggerMessage(EventId = 1441, Level = LogLevel.Warning, Message = "Volume {Volume} is not made: {Reason}")]
    public static partial void VolumeNotMade(this ILogger logger, string volume, string reason);

    [LoggerMessage(EventId = 1442, Level = LogLevel.Information, Message = "Volume {Volume} on {Machine} is deleted: its claim is gone")]
    public static partial void VolumeDropped(this ILogger logger, string volume, string machine);

    [LoggerMessage(EventId = 1443, Level = LogLevel.Warning, Message = "Volume {Volume} on {Machine} is deleted later: {Reason}")]
    public static partial void VolumeNotDeleted(this ILogger logger, string volume, string machine, string reason);
}
