using System.Text.Json.Serialization;

namespace Operos.Release;

/// <summary>
/// A release: one kernel, one initramfs and the layers that node kinds are made of. Stored as <c>release.json</c>, signed by
/// <c>release.json.sig</c> over its exact bytes. Nothing is mounted that this document does not name by hash.
/// </summary>
public sealed partial record ReleaseManifest
{
    /// <summary>The only format this code reads and writes.</summary>
    public const int CurrentFormat = 1;

    /// <summary>Size of every chunk but a file's last one, in bytes.</summary>
    public const int DefaultChunkSize = 256 * 1024;

    /// <summary>What every release has for the boot loader.</summary>
    public static readonly IReadOnlyList<string> LoaderFiles = ["vmlinuz", "initramfs.img"];

    /// <summary>The largest <c>release.json</c> that is read, in bytes.</summary>
    public const int MaxManifestBytes = 4 * 1024 * 1024;

    public required int Format { get; init; }

    /// <summary>
    /// The release's name: letters, digits, <c>.</c>, <c>-</c>, <c>_</c>, <c>+</c>; at most 64; starts with a letter or digit.
    /// </summary>
    public required string Version { get; init; }

    /// <summary>When it was built (UTC); also the lower bound of a booting machine's clock.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>The oldest version that may upgrade to this one.</summary>
    public required string MinimumVersion { get; init; }

    /// <summary>The kernel's release as <c>uname -r</c> prints it: the modules in the layers fit no other.</summary>
    public required string KernelRelease { get; init; }

    public required int ChunkSize { get; init; }

    /// <summary>Files that the boot loader fetches, by file name; among them <see cref="LoaderFiles"/>.</summary>
    public required IReadOnlyDictionary<string, ReleaseFile> Files { get; init; }

    public required IReadOnlyList<ReleaseLayer> Layers { get; init; }

    /// <summary>For each node kind (<c>worker</c>, <c>controller</c>) its layers' names, lowest first.</summary>
    public required IReadOnlyDictionary<string, IReadOnlyList<string>> Kinds { get; init; }
}

/// <summary>Size in bytes and lower-case hexadecimal SHA-256 of a file of a release.</summary>
public sealed record ReleaseFile
{
    public required long Size { get; init; }
    public required string Sha256 { get; init; }
}

/// <summary>A layer: a SquashFS image of just what it adds to the layers below it.</summary>
public sealed record ReleaseLayer
{
    /// <summary>Lower-case letters, digits and <c>-</c>; at most 32.</summary>
    public required string Name { get; init; }

    /// <summary>File name inside the release's folder: the name plus <c>.squashfs</c>.</summary>
    public required string File { get; init; }

    public required long Size { get; init; }
    public required string Sha256 { get; init; }

    /// <summary>SHA-256 of each chunk in order, lower-case hexadecimal.</summary>
    public required IReadOnlyList<string> Chunks { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(ReleaseManifest))]
[JsonSerializable(typeof(BootRecord))]
public sealed partial class ReleaseJson : JsonSerializerContext;
