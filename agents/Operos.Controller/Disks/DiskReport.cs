using System.Text.Json.Serialization;
using Operos.Proto;

namespace Operos.Controller.Disks;

/// <summary>What a machine said last of its disks: one file, so that it is known of one that is down.</summary>
internal sealed record DiskReport
{
    public const int CurrentFormat = 1;

    public int Format { get; init; } = CurrentFormat;
    /// <summary>UUID.</summary>
    public required string Machine { get; init; }
    public required DateTimeOffset At { get; init; }
    public required IReadOnlyList<DiskState> Disks { get; init; }
    /// <summary>Disks whose keys it got, by the id in their record.</summary>
    public IReadOnlyList<string> Keys { get; init; } = [];
}

/// <summary>Disks that an operator keeps out.</summary>
internal sealed record ExclusionList
{
    public const int CurrentFormat = 1;

    public int Format { get; init; } = CurrentFormat;
    public IReadOnlyList<Exclusion> Disks { get; init; } = [];
}

/// <summary>A disk that is kept out.</summary>
internal sealed record Exclusion
{
    public required string Identity { get; init; }
    /// <summary>
    /// Of a place: the identity of the disk there that is meant, by its record, which a wipe erases; it is reclaimed with that. Null
    /// where the place itself is meant.
    /// </summary>
    public string? For { get; init; }
    /// <summary>The one machine where it is meant, of a disk that nothing but its place tells from another; else null.</summary>
    public string? Machine { get; init; }
    /// <summary>The operator who said so.</summary>
    public required string By { get; init; }
    public required DateTimeOffset At { get; init; }
    /// <summary>Where it was then, for people.</summary>
    public string? Where { get; init; }
}

/// <summary>Which secret the keys of disks are made from, without telling it.</summary>
internal sealed record DiskSecretRecord
{
    public const int CurrentFormat = 1;

    public int Format { get; init; } = CurrentFormat;
    /// <summary>SHA-256 of what is derived for this alone, hex.</summary>
    public required string Check { get; init; }
    public required DateTimeOffset Made { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DiskReport))]
[JsonSerializable(typeof(ExclusionList))]
[JsonSerializable(typeof(DiskSecretRecord))]
internal sealed partial class DiskJson : JsonSerializerContext;
