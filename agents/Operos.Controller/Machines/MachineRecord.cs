using System.Text.Json.Serialization;
using Operos.Hardware.Inventories;

namespace Operos.Controller.Machines;

/// <summary>Where a machine stands with the operator.</summary>
internal enum MachineStanding { Admitted, Pending, Ambiguous, Rejected }

/// <summary>What the controller remembers of a machine: one file, readable by people too.</summary>
internal sealed record MachineRecord
{
    public const int MaxEvents = 50;

    public required string Id { get; init; }
    public string Kind { get; init; } = "worker";
    public required MachineStanding Standing { get; init; }
    public string? Name { get; init; }
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();
    public required Inventory Inventory { get; init; }
    /// <summary>The last boot record as it came, JSON.</summary>
    public string? BootRecord { get; init; }
    public string? BootId { get; init; }
    public string? Address { get; init; }
    /// <summary>SHA-256 of the certificate that counts; an older one is refused.</summary>
    public string? CertificateHash { get; init; }
    public DateTimeOffset? CertificateExpires { get; init; }
    public required DateTimeOffset FirstSeen { get; init; }
    public DateTimeOffset LastSeen { get; init; }
    /// <summary>For an ambiguous newcomer: the machines that it may be.</summary>
    public IReadOnlyList<string> Candidates { get; init; } = [];
    /// <summary>An operator's answer to the question: a machine, or <c>new</c>.</summary>
    public string? ResolvedAs { get; init; }
    public string? Reason { get; init; }
    public IReadOnlyList<RecordedEvent> Events { get; init; } = [];

    /// <summary>What happens again and again is told once, with its last time: it must not push out what happened before.</summary>
    public MachineRecord With(DateTimeOffset at, string text)
    {
        var before = Events.Count > 0 && Events[^1].Text == text ? Events.SkipLast(1) : Events;
        return this with { Events = [.. before.TakeLast(MaxEvents - 1), new RecordedEvent(at, text)] };
    }
}

internal sealed record RecordedEvent(DateTimeOffset At, string Text);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MachineRecord))]
internal sealed partial class MachineJson : JsonSerializerContext;
