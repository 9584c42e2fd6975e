using System.Formats.Tar;
using System.Text.Json;

namespace Operos.Node.Runtime;

/// <summary>An archive of images (OCI image layout 1.0, or Docker's): which names it brings.</summary>
internal static class ImageArchive
{
    private const long MaxIndex = 1024 * 1024;
    private static readonly string[] NameAnnotations = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];

    /// <exception cref="NodeException">It is no such archive.</exception>
    public static async Task<IReadOnlyList<string>> ReadNamesAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            await using var file = File.OpenRead(path);
            await using var tar = new TarReader(file);
            while (await tar.GetNextEntryAsync(copyData: false, cancellationToken).ConfigureAwait(false) is { } entry)
            {
                var name = entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..] : entry.Name;
                if (name is not ("index.json" or "manifest.json") || entry.DataStream is null || entry.Length > MaxIndex) continue;
                using var json = await JsonDocument.ParseAsync(entry.DataStream, cancellationToken: cancellationToken)
                    .ConfigureAwait(false);
                var names = (name == "index.json" ? OfLayout(json.RootElement) : OfDocker(json.RootElement)).Select(Normalise).ToList();
                if (names.Count > 0) return names;
            }
        }
        catch (Exception e) when (e is IOException or InvalidDataException or JsonException or InvalidOperationException
            or KeyNotFoundException) { throw new NodeException($"{path} cannot be read: {e.Message}", e); }
        throw new NodeException($"{path} names no image");
    }

    private static IEnumerable<string> OfLayout(JsonElement index) =>
        index.GetProperty("manifests").EnumerateArray().Select(manifest => manifest.TryGetProperty("annotations", out var annotations)
            ? NameAnnotations.Select(key => annotations.TryGetProperty(key, out var value) ? value.GetString() : null)
                .FirstOrDefault(value => value is not null) : null).OfType<string>();

    private static IEnumerable<string> OfDocker(JsonElement manifests) =>
        manifests.EnumerateArray().SelectMany(manifest =>
            manifest.TryGetProperty("RepoTags", out var tags) && tags.ValueKind == JsonValueKind.Array ? tags.EnumerateArray()
            .Select(tag => tag.GetString()) : []).OfType<string>();

    /// <summary>The full name by which the runtime keeps an image (distribution's reference grammar).</summary>
    internal static string Normalise(string name)
    {
        var slash = name.IndexOf('/', StringComparison.Ordinal);
        var host = slash < 0 ? "" : name[..slash];
        if (host.Contains('.', StringComparison.Ordinal) || host.Contains(':', StringComparison.Ordinal) || host == "localhost")
            return name;
        return slash < 0 ? $"docker.io/library/{name}" : $"docker.io/{name}";
    }
}
