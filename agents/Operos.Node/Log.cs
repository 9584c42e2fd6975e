using Microsoft.Extensions.Logging;

namespace Operos.Node;

/// <summary>What a node says in the journal: events 3000 to 3199.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 3000, Level = LogLevel.Warning, Message = "This machine is no node any more: its services and pods end")]
    public static partial void LeavesCluster(this ILogger logger);

    [LoggerMessage(EventId = 3001, Level = LogLevel.Error, Message = "{What} cannot be taken away: {Reason}")]
    public static partial void CannotTakeAway(this ILogger logger, string what, string reason);

    [LoggerMessage(EventId = 3002, Level = LogLevel.Warning, Message = "configuration: {Reason}")]
    public static partial void ConfigurationFailed(this ILogger logger, string reason);

    [LoggerMessage(EventId = 3003, Level = LogLevel.Information, Message = "firewall is in force")]
    public static partial void FirewallInForce(this ILogger logger);

    [LoggerMessage(EventId = 3004, Level = LogLevel.Warning, Message = "firewall: {Reason}")]
    public static partial void FirewallFailed(this ILogger logger, string reason);

    [LoggerMessage(EventId = 3005, Level = LogLevel.Warning,
        Message = "The API server has no Node {Name} though the kubelet runs: it is started again")]
    public static partial void KubeletStartsAgain(this ILogger logger, string name);

    [LoggerMessage(EventId = 3006, Level = LogLevel.Information, Message = "network is done")]
    public static partial void NetworkDone(this ILogger logger);

    [LoggerMessage(EventId = 3007, Level = LogLevel.Warning, Message = "network: {Reason}")]
    public static partial void NetworkFailed(this ILogger logger, string reason);

    [LoggerMessage(EventId = 3020, Level = LogLevel.Information, Message = "{Step} is done")]
    public static partial void StepDone(this ILogger logger, string step);

    [LoggerMessage(EventId = 3021, Level = LogLevel.Warning, Message = "{Step}: {Reason}")]
    public static partial void StepFailed(this ILogger logger, string step, string reason);

    [LoggerMessage(EventId = 3022, Level = LogLevel.Information, Message = "New certificates: {Purposes}")]
    public static partial void NewCertificates(this ILogger logger, string purposes);

    [LoggerMessage(EventId = 3023, Level = LogLevel.Information, Message = "Imported {Imported} of {Archives} image archives")]
    public static partial void ImportedImages(this ILogger logger, int imported, int archives);

    [LoggerMessage(EventId = 3024, Level = LogLevel.Information, Message = "{Service} runs with new files")]
    public static partial void RunsWithNewFiles(this ILogger logger, string service);

    [LoggerMessage(EventId = 3040, Level = LogLevel.Debug, Message = "A plugin went away: {Reason}")]
    public static partial void PluginWentAway(this ILogger logger, string reason);

    [LoggerMessage(EventId = 3041, Level = LogLevel.Warning, Message = "A pod is held back: {Reason}")]
    public static partial void PodHeldBack(this ILogger logger, string reason);

    [LoggerMessage(EventId = 3042, Level = LogLevel.Information, Message = "Pod {Namespace}/{Name} has {Addresses}")]
    public static partial void PodAdmitted(this ILogger logger, string @namespace, string name, string addresses);

    [LoggerMessage(EventId = 3060, Level = LogLevel.Warning, Message = "policy: {Text}")]
    public static partial void PolicyProblem(this ILogger logger, string text);
}
