using Microsoft.Extensions.Logging;
using Operos.Release;
using Operos.Release.Publishing;

namespace Operos.Controller.Boot;

/// <summary>A release in the store.</summary>
/// <param name="Verification">What is known of its soundness, in words.</param>
/// <param name="IsServed">Whether machines may boot it.</param>
internal sealed record StoredRelease(ReleaseManifest Manifest, string Folder, string Verification, bool IsServed)
{
    public const string Valid = "valid";
}

/// <summary>
/// The releases on this controller: one folder each, only those that a trusted key signed, and none is served whose every file was not
/// hashed and found to be what its manifest says.
/// </summary>
/// <param name="keysFile">The trusted public keys, PEM; read at each look.</param>
/// <param name="hashed">Files that PID 1 has compared with their manifest in this boot.</param>
internal sealed class ReleaseStore(string folder, string keysFile, string? chosen, ILogger<ReleaseStore> logger,
    IReadOnlySet<string>? hashed = null)
{
    private static readonly TimeSpan RescanInterval = TimeSpan.FromSeconds(5);
    private readonly FileDigests digests = new(hashed);
    private volatile IReadOnlyList<StoredRelease> releases = [];
    private string problems = "";

    /// <summary>Newest first.</summary>
    public IReadOnlyList<StoredRelease> Releases => releases;

    /// <summary>The release that a worker boots now: the configured one, else the newest; null where that is not sound.</summary>
    public StoredRelease? Current =>
        releases.FirstOrDefault(release => release.IsServed && (chosen is null || release.Manifest.Version == chosen));

    /// <summary>The newest beside the current one, for the menu.</summary>
    public StoredRelease? Previous => releases.FirstOrDefault(release => release.IsServed && release != Current);

    public event Action? Changed;

    /// <summary>The path of a file of a release, only for names that the manifest has; null otherwise.</summary>
    public string? Find(string version, string name, out string? etag)
    {
        etag = null;
        var release = releases.FirstOrDefault(release => release.IsServed && release.Manifest.Version == version);
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

    /// <summary>
    /// Reads the folder anew; a release is there when its folder has its final name. What was not there before is hashed: half a second for
    /// 300 MB.
    /// </summary>
    public void Scan()
    {
        var found = new List<StoredRelease>();
        var wrong = new List<string>();
        var folders = Folders();
        var trusted = folders.Count > 0 ? ReadTrusted(wrong) : null;
        foreach (var path in trusted is null ? [] : folders)
        {
            try
            {
                var manifest = ReleaseFolder.Open(path, trusted!);
                if (manifest.Version != Path.GetFileName(path))
                    throw new ReleaseFormatException($"{path} holds release {manifest.Version}");
                var release = Judge(path, manifest);
                if (release.Verification != StoredRelease.Valid) wrong.Add($"release {manifest.Version}: {release.Verification}");
                found.Add(release);
            }
            catch (Exception e) when (e is IOException or ReleaseFormatException or UnauthorizedAccessException) { wrong.Add(e.Message); }
        }
        found.Sort((left, right) => right.Manifest.Created.CompareTo(left.Manifest.Created));
        var text = string.Join("; ", wrong);
        if (text != problems && text.Length > 0) logger.UnsoundReleases(text);
        problems = text;
        var before = releases;
        releases = found;
        if (before.Select(Shown).SequenceEqual(found.Select(Shown))) return;
        var served = found.Where(release => release.IsServed).Select(release => release.Manifest.Version);
        logger.ReleasesFound(string.Join(", ", served), Current?.Manifest.Version ?? "none");
        Changed?.Invoke();
    }

    private IReadOnlyList<string> Folders() => !Directory.Exists(folder) ? [] :
    [
        .. Directory.EnumerateDirectories(folder)
            .Where(path => ReleaseManifest.IsVersion(Path.GetFileName(path)) && !path.EndsWith(".partial", StringComparison.Ordinal)),
    ];

    /// <summary>The same keys for all releases of a look, whoever changes them meanwhile; null where they cannot be read.</summary>
    private string? ReadTrusted(List<string> wrong)
    {
        try { return File.ReadAllText(keysFile); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            wrong.Add($"no release is trusted, for the keys cannot be read: {e.Message}");
            return null;
        }
    }

    private static (string, DateTimeOffset, bool) Shown(StoredRelease release) =>
        (release.Manifest.Version, release.Manifest.Created, release.IsServed);

    private StoredRelease Judge(string path, ReleaseManifest manifest)
    {
        string? Problem(string name, long size, string sha256) => digests.FindProblem(Path.Combine(path, name), size, sha256);
        var loader = manifest.Files.Select(file => Problem(file.Key, file.Value.Size, file.Value.Sha256))
            .FirstOrDefault(problem => problem is not null);
        var layer = manifest.Layers.Select(layer => Problem(layer.File, layer.Size, layer.Sha256))
            .FirstOrDefault(problem => problem is not null);
        // What was sound once goes on: a machine checks each chunk of a layer itself, and waits while one is mended. What boot loaders
        // fetch, nobody checks after us.
        var served = loader is null && (layer is null
            || releases.Any(before => before.IsServed && before.Folder == path && HasSameFiles(before.Manifest, manifest)));
        return new StoredRelease(manifest, path, loader ?? layer ?? StoredRelease.Valid, served);
    }

    private static bool HasSameFiles(ReleaseManifest left, ReleaseManifest right) =>
        left.Layers.Select(layer => layer.Sha256).SequenceEqual(right.Layers.Select(layer => layer.Sha256));
}
