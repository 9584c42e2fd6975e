using System.Text.Json;
using System.Text.Json.Serialization;
using Operos.Linux;

namespace Operos.Backup;

/// <summary>What a backup holds: the archive's first entry, <see cref="FileName"/>.</summary>
public sealed record BackupManifest
{
    public const int CurrentFormat = 1;
    public const string FileName = "manifest.json";

    /// <summary>The most bytes of it that are read.</summary>
    public const int MaxBytes = 16 << 20;

    /// <summary>The most parts that a backup has.</summary>
    public const int MaxParts = 50_000;

    public int Format { get; init; } = CurrentFormat;
    /// <summary>SHA-256 of the certificate of the cluster's authority, hex: whose backup it is.</summary>
    public required string Cluster { get; init; }
    public required DateTimeOffset Created { get; init; }
    /// <summary><c>daily</c> or <c>manual</c>.</summary>
    public required string Kind { get; init; }
    /// <summary>The program that made it.</summary>
    public required string Agent { get; init; }
    /// <summary>The release that the controller ran; null where it is not known.</summary>
    public string? Release { get; init; }
    /// <summary>The revision of etcd's snapshot; null where the backup has none.</summary>
    public long? Revision { get; init; }
    /// <summary>All other entries, in the archive's order.</summary>
    public required IReadOnlyList<BackupPart> Parts { get; init; }

    /// <exception cref="BackupException">It is none, or of a newer format.</exception>
    public static BackupManifest Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            if (RecordFile.ReadFormat(json) is var format && format > CurrentFormat)
                throw new BackupException($"the backup is of format {format}, and this version knows formats up to {CurrentFormat}: use "
                    + "the version that made it");
            var manifest = JsonSerializer.Deserialize(json, ManifestJson.Default.BackupManifest);
            if (manifest is not { Parts.Count: <= MaxParts, Cluster.Length: 64, Kind: not null, Agent: not null }
                || !manifest.Parts.All(part => part is not null && part.IsSound()))
                throw new BackupException("the backup's manifest lacks something, or names what no backup may hold");
            if (manifest.Parts.Select(part => part.Name).Distinct(StringComparer.Ordinal).Count() != manifest.Parts.Count)
                throw new BackupException("the backup's manifest names a part twice");
            return manifest;
        }
        catch (JsonException e) { throw new BackupException($"the backup's manifest is damaged: {e.Message}", e); }
    }

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, ManifestJson.Default.BackupManifest);
}

/// <summary>A file of a backup.</summary>
public sealed record BackupPart
{
    /// <summary>The controller's state, the root of its system, etcd's snapshot.</summary>
    public const string State = "state/", Root = "root/", Snapshot = "etcd/snapshot.db";
    private const int LongestName = 512;

    public required string Name { get; init; }
    /// <summary>In bytes.</summary>
    public required long Size { get; init; }
    /// <summary>Hex, lower case.</summary>
    public required string Sha256 { get; init; }
    /// <summary>Its permissions, as chmod(1) writes them, such as <c>0600</c>.</summary>
    public required string Mode { get; init; }

    /// <summary>The permissions; of a mode that is none, those of a secret.</summary>
    public UnixFileMode Permissions()
    {
        const int all = 0x1FF;
        var octal = Mode is { Length: 3 or 4 } && Mode.All(c => c is >= '0' and <= '7') ? Convert.ToInt32(Mode, 8) : 0;
        return octal is > 0 and <= all ? (UnixFileMode)octal : FileModes.Private;
    }

    /// <summary>Whether it stays where backups are put back to: a manifest is anybody's file until it was checked.</summary>
    internal bool IsSound() => Name is { Length: > 0 and <= LongestName } && Size >= 0 && Sha256 is { Length: 64 } && Mode is not null
        && (Name == Snapshot || Name.StartsWith(State, StringComparison.Ordinal) || Name.StartsWith(Root, StringComparison.Ordinal))
        && Name.Split('/').All(word => word is not ("" or "." or "..")) && !Name.Any(c => char.IsControl(c) || c == '\\');
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, MaxDepth = 8,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(BackupManifest))]
internal sealed partial class ManifestJson : JsonSerializerContext;
