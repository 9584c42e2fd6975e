using System.Text.Json;
using System.Text.Json.Serialization;
using Operos.Storage.Classes;

namespace Operos.Storage.Reports;

/// <summary>What is told of a disk: what it is, and why.</summary>
public sealed record DiskReport
{
    public required string Name { get; init; }
    /// <summary>
    /// <c>blank</c>, <c>ours</c>, <c>unfinished-ours</c>, <c>foreign</c>, <c>unsuitable</c>, <c>in-use</c>, <c>doubtful</c>.
    /// </summary>
    public required string Class { get; init; }
    public required IReadOnlyList<string> Reasons { get; init; }
    public long Bytes { get; init; }
    public int LogicalSector { get; init; }
    public bool IsRotational { get; init; }
    /// <summary>Such as <c>sata</c>; <c>unknown</c> where it is not.</summary>
    public required string Transport { get; init; }
    public string? Model { get; init; }
    public string? Serial { get; init; }
    public string? Wwn { get; init; }
    public IReadOnlyList<FoundSignature> Signatures { get; init; } = [];
    /// <summary>The id that its record gives it; null where it has none.</summary>
    public string? Disk { get; init; }
    /// <summary>The machine that put it to work.</summary>
    public string? Machine { get; init; }

    public static DiskReport Of(DiskVerdict verdict)
    {
        var facts = verdict.Evidence.Facts;
        return new DiskReport
        {
            Name = facts.Name, Class = NameOf(verdict.Class), Reasons = verdict.Reasons,
            Bytes = verdict.Evidence.Bytes > 0 ? verdict.Evidence.Bytes : facts.Bytes,
            LogicalSector = facts.LogicalSector, IsRotational = facts.IsRotational,
            Transport = facts.Transport.ToString().ToLowerInvariant(), Model = facts.Model, Serial = facts.Serial, Wwn = facts.Wwn,
            Signatures = [.. verdict.Evidence.Signatures.Select(signature => new FoundSignature(signature.Name, signature.Offset))],
            Disk = verdict.Record?.Disk.ToString(), Machine = verdict.Record?.Machine.ToString(),
        };
    }

    /// <summary>As <see cref="Class"/> tells it.</summary>
    public static string NameOf(DiskClass sort) => sort switch
    {
        DiskClass.UnfinishedOurs => "unfinished-ours",
        DiskClass.InUse => "in-use",
        _ => sort.ToString().ToLowerInvariant(),
    };

    public static string ToJson(IReadOnlyList<DiskReport> disks) =>
        JsonSerializer.Serialize(disks, DiskJson.Default.IReadOnlyListDiskReport);
}

/// <param name="Offset">In bytes.</param>
public sealed record FoundSignature(string Name, long Offset);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(IReadOnlyList<DiskReport>))]
internal sealed partial class DiskJson : JsonSerializerContext;
