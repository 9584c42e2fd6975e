using Microsoft.Extensions.Logging;

namespace Operos.ControlPlane;

/// <summary>What the control plane says in the journal: events 2100 to 2199.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 2100, Level = LogLevel.Information, Message = "Certificates issued: {Names}")]
    public static partial void CertificatesIssued(this ILogger logger, string names);

    [LoggerMessage(EventId = 2101, Level = LogLevel.Warning, Message = "{Component} runs but does not work since {Since}: restarting it")]
    public static partial void RestartsWedged(this ILogger logger, string component, DateTimeOffset since);

    [LoggerMessage(EventId = 2102, Level = LogLevel.Information, Message = "{Component} is restarted: its certificate was renewed")]
    public static partial void RestartsForCertificate(this ILogger logger, string component);

    [LoggerMessage(EventId = 2103, Level = LogLevel.Information, Message = "{Part}: {Text}")]
    public static partial void PartIsWell(this ILogger logger, string part, string text);

    [LoggerMessage(EventId = 2104, Level = LogLevel.Warning, Message = "{Part}: {Text}")]
    public static partial void PartAils(this ILogger logger, string part, string text);

    [LoggerMessage(EventId = 2120, Level = LogLevel.Error,
        Message = "{File} is damaged: objects of add-ons that were removed are not deleted: {Reason}")]
    public static partial void AppliedListDamaged(this ILogger logger, string file, string reason);

    [LoggerMessage(EventId = 2121, Level = LogLevel.Information, Message = "Add-on {File}: {Object} is deleted")]
    public static partial void AddOnObjectDeleted(this ILogger logger, string file, string @object);
}
