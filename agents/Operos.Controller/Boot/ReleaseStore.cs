using Microsoft.Extensions.Logging;
using Operos.Release;
using Operos.Release.Publishing;

namespace Operos.Controller.Boot;

/// <summary>A release in the store and what is known of its soundness.</summary>
internal sealed record StoredRelease(ReleaseManifest Manifest, string Folder, string Verification)
{
    public const string Valid = "valid";
}

/// <summary>The releases on this controller: one folder each, only those whose signature holds.</summary>
internal sealed class ReleaseStore(string folder, string publicKeyPem, string? chosen, ILogger<ReleaseStore> logger)
{
    private static readonly TimeSpan RescanInterval = TimeSpan.FromSeconds(5);
    private volatile IReadOnlyList<StoredRelease> releases = [];
    private string problems = "";

    /// <summary>Newest first.</summary>
    public IReadOnlyList<StoredRelease> Releases => releases;

    /// <summary>The release that a worker boots now: the configured one, else the newest.</summary>
    public StoredRelease? Current => chosen is null ? releases.FirstOrDefault() : releases.FirstOrDefault(release => release.Manifest.Version == chosen);

    /// <summary>The newest beside the current one, for the menu.</summary>
    public StoredRelease? Previous => releases.FirstOrDefault(release => release != Current);

    public event Action? Changed;

    /// <summary>The path of a file of a release, only for names that the manifest has; null otherwise.</summary>
    public string? Find(string version, string name, out string? etag)
    {
        etag = null;
        var release = releases.FirstOrDefault(release => release.Manifest.Version == version);
        if (release is null) return null;
        if (release.Manifest.Files.TryGetValue(name, out var file)) etag = file.Sha256;
        else if (release.Manifest.Layers.FirstOrDefault(layer => layer.File == name) is { } layer) etag = layer.Sha256;
        else if (name is not (ReleaseFolder.ManifestName or ReleaseFolder.SignatureName)) return null;
        return Path.Combine(release.Folder, name);
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Scan();
            await Task.Delay(RescanInterval, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Reads the folder anew; a release is there when its folder has its final name.</summary>
    public void Scan()
    {
        var found = new List<StoredRelease>();
        var wrong = new List<string>();
        foreach (var path in Directory.Exists(folder) ? Directory.EnumerateDirectories(folder).Where(path => ReleaseManifest.IsVersion(Path.GetFileName(path)) && !path.EndsWith(".partial", StringComparison.Ordinal)) : [])
        {
            try
            {
                var manifest = ReleaseFolder.Open(path, publicKeyPem);
                if (manifest.Version != Path.GetFileName(path)) throw new ReleaseFormatException($"{path} holds release {manifest.Version}");
                found.Add(new StoredRelease(manifest, path, FindMissing(path, manifest) ?? StoredRelease.Valid));
            }
            catch (Exception e) when (e is IOException or ReleaseFormatException or UnauthorizedAccessException) { wrong.Add(e.Message); }
        }
        found.Sort((left, right) => right.Manifest.Created.CompareTo(left.Manifest.Created));
        var text = string.Join("; ", wrong);
        if (text != problems && text.Length > 0) logger.LogError("Releases that are not served: {Problems}", text);
        problems = text;
        var before = releases;
        releases = found;
        if (before.Count == found.Count && before.Zip(found).All(pair => pair.First.Manifest.Version == pair.Second.Manifest.Version && pair.First.Manifest.Created == pair.Second.Manifest.Created)) return;
        logger.LogInformation("Releases: {Releases}; workers boot {Current}", string.Join(", ", found.Select(release => release.Manifest.Version)), Current?.Manifest.Version ?? "none");
        Changed?.Invoke();
    }

    private static string? FindMissing(string path, ReleaseManifest manifest)
    {
        foreach (var (name, size) in manifest.Files.Select(file => (file.Key, file.Value.Size)).Concat(manifest.Layers.Select(layer => (layer.File, layer.Size))))
            if (new FileInfo(Path.Combine(path, name)) is var file && (!file.Exists || file.Length != size)) return $"{name} is missing or has another size";
        return null;
    }
}
