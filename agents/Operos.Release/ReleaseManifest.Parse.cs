using System.Text.Json;

namespace Operos.Release;

public sealed partial record ReleaseManifest
{
    private const int MaxLayers = 16;
    private const long MaxFileBytes = 1L << 40;

    /// <summary>Reads and checks <c>release.json</c>. Verify its signature over the same bytes first.</summary>
    /// <exception cref="ReleaseFormatException">The bytes are no valid manifest; the message names what is wrong.</exception>
    public static ReleaseManifest Parse(ReadOnlySpan<byte> json)
    {
        if (json.Length > MaxManifestBytes)
            throw new ReleaseFormatException($"release.json has {json.Length} bytes; at most {MaxManifestBytes} are read");
        ReleaseManifest? manifest;
        try { manifest = JsonSerializer.Deserialize(json, ReleaseJson.Default.ReleaseManifest); }
        catch (JsonException e) { throw new ReleaseFormatException($"release.json is no valid manifest: {e.Message}"); }
        if (manifest is null) throw new ReleaseFormatException("release.json holds null");
        manifest.Validate();
        return manifest;
    }

    /// <summary>The layers of a node kind, lowest first.</summary>
    public IReadOnlyList<ReleaseLayer> LayersOf(string kind) =>
        Kinds.TryGetValue(kind, out var names)
            ? [.. names.Select(name => Layers.First(layer => layer.Name == name))]
            : throw new ReleaseFormatException(
                $"release {Version} has no layers for the node kind '{kind}'; it has {string.Join(", ", Kinds.Keys)}");

    /// <summary>Whether a string is a release's name: the one rule, for manifests, URLs, folders and the kernel command line.</summary>
    public static bool IsVersion(string? version) =>
        version is { Length: > 0 and <= 64 } && char.IsAsciiLetterOrDigit(version[0])
        && version.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or '+');

    private void Validate()
    {
        Require(Format == CurrentFormat, $"format {Format} is not {CurrentFormat}: this program is older or newer than the release");
        Require(IsVersion(Version), "version is not a release's name");
        Require(IsVersion(MinimumVersion), "minimumVersion is not a release's name");
        Require(IsVersion(KernelRelease), "kernelRelease is not a kernel's release");
        Require(ChunkSize is >= 4096 and <= 16 << 20 && (ChunkSize & (ChunkSize - 1)) == 0,
            $"chunkSize {ChunkSize} is not a power of two from 4 KiB to 16 MiB");
        Require(Files is not null && Layers is { Count: > 0 and <= MaxLayers } && Kinds is not null, "files, layers or kinds are missing");
        foreach (var (name, file) in Files!)
        {
            Require(IsVersion(name), "a file's name has other characters than letters, digits and ._+-");
            Require(file is { Size: > 0 and <= MaxFileBytes } && IsHash(file.Sha256), $"file {name}: size or sha256 is malformed");
        }
        Require(LoaderFiles.All(Files!.ContainsKey), $"files must name {string.Join(" and ", LoaderFiles)}");
        foreach (var layer in Layers!) Validate(layer);
        Require(Layers!.Select(layer => layer.Name).Distinct().Count() == Layers!.Count, "two layers have one name");
        foreach (var (kind, names) in Kinds!)
            Require(names is { Count: > 0 } && names.Distinct().Count() == names.Count
                && names.All(name => Layers!.Any(layer => layer.Name == name)),
                $"node kind {kind} names a layer twice, one that is not there, or none");
    }

    private void Validate(ReleaseLayer layer)
    {
        Require(layer?.Name is { Length: > 0 and <= 32 } name
            && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'),
            "a layer's name has other characters than a-z, 0-9 and -");
        Require(layer!.File == layer.Name + ".squashfs", $"layer {layer.Name}: its file must be {layer.Name}.squashfs");
        Require(layer.Size is > 0 and <= MaxFileBytes && IsHash(layer.Sha256), $"layer {layer.Name}: size or sha256 is malformed");
        Require(layer.Chunks is not null && layer.Chunks.Count == (layer.Size + ChunkSize - 1) / ChunkSize,
            $"layer {layer.Name}: {layer.Chunks?.Count ?? 0} chunk hashes do not fit {layer.Size} bytes");
        Require(layer.Chunks!.All(IsHash), $"layer {layer.Name}: a chunk's hash is malformed");
    }

    private static bool IsHash(string? hash) => hash is { Length: 64 } && hash.All(char.IsAsciiHexDigitLower);

    private static void Require(bool condition, string message)
    {
        if (!condition) throw new ReleaseFormatException("release.json: " + message);
    }
}
