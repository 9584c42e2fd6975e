using System.Text.Json.Serialization;

namespace Operos.Controller.Audit;

/// <summary>How an operation ended.</summary>
internal enum AuditOutcome { Done, Refused, Failed }

/// <summary>
/// An operation that changes something, as the audit log keeps it: one line when it is asked for, and one with the same id when it has
/// ended, which holds all of the first and the outcome.
/// </summary>
internal sealed record AuditEntry
{
    public const int CurrentFormat = 1;

    public int Format { get; init; } = CurrentFormat;
    public required string Id { get; init; }
    /// <summary>When it was asked for.</summary>
    public required DateTimeOffset At { get; init; }
    public required string User { get; init; }
    public required string Role { get; init; }
    /// <summary>The address that it was asked from.</summary>
    public required string From { get; init; }
    /// <summary>As operosctl calls it.</summary>
    public required string Operation { get; init; }
    public IReadOnlyDictionary<string, string> Arguments { get; init; } = new Dictionary<string, string>();
    /// <summary>Null while it is not known: it goes on, or the controller ended meanwhile.</summary>
    public AuditOutcome? Outcome { get; init; }
    public string? Text { get; init; }
}

/// <summary>What was found in the audit log.</summary>
/// <param name="Damaged">Lines that are none: a power cut tore them, or somebody wrote in the file.</param>
/// <param name="Newer">Lines of a format that only a newer version knows: they stay where they are.</param>
/// <param name="More">Whether there were older ones than the most that were asked for.</param>
internal sealed record AuditExcerpt(IReadOnlyList<AuditEntry> Entries, int Damaged, int Newer, bool More);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AuditEntry))]
internal sealed partial class AuditJson : JsonSerializerContext;
