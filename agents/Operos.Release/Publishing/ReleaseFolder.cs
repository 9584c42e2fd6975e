using System.Security.Cryptography;
using System.Text.Json;
using Operos.Linux;

namespace Operos.Release.Publishing;

/// <summary>A release's folder: makes <c>release.json</c> and its signature for the files in it, and checks all of it again.</summary>
public static class ReleaseFolder
{
    public const string ManifestName = "release.json";
    public const string SignatureName = "release.json.sig";

    /// <summary>Which layers make which node kind, lowest first.</summary>
    public static readonly IReadOnlyDictionary<string, IReadOnlyList<string>> Kinds = new Dictionary<string, IReadOnlyList<string>>
    {
        ["worker"] = ["base", "node", "worker"],
        ["controller"] = ["base", "node", "controller"],
    };

    /// <summary>Hashes the files, writes the manifest and its signature.</summary>
    /// <exception cref="FileNotFoundException">A file that a release needs is not in the folder.</exception>
    public static ReleaseManifest Build(string folder, string version, string minimumVersion, string kernelRelease, DateTimeOffset created,
        string privateKeyPem)
    {
        if (!ReleaseManifest.IsVersion(version))
            throw new ReleaseFormatException($"'{version}' is no release name: letters, digits and ._+-, at most 64");
        var manifest = new ReleaseManifest
        {
            Format = ReleaseManifest.CurrentFormat,
            Version = version,
            Created = created.ToUniversalTime(),
            MinimumVersion = minimumVersion,
            KernelRelease = kernelRelease,
            ChunkSize = ReleaseManifest.DefaultChunkSize,
            Files = ReleaseManifest.LoaderFiles.ToDictionary(name => name, name => HashFile(Path.Combine(folder, name))),
            Layers = [.. Kinds.Values.SelectMany(names => names).Distinct()
                .Select(name => HashLayer(folder, name, ReleaseManifest.DefaultChunkSize))],
            Kinds = Kinds,
        };
        var json = JsonSerializer.SerializeToUtf8Bytes(manifest, ReleaseJson.Default.ReleaseManifest);
        // Throws where a machine would refuse the manifest: such a one is neither written nor signed.
        ReleaseManifest.Parse(json);
        File.Delete(Path.Combine(folder, SignatureName));
        AtomicFile.Write(Path.Combine(folder, ManifestName), json, FileModes.Readable);
        AtomicFile.Write(Path.Combine(folder, SignatureName), ReleaseKey.Sign(json, privateKeyPem), FileModes.Readable);
        return manifest;
    }

    /// <summary>Signs a release with another key, after all of it was checked by the keys that are trusted until then.</summary>
    /// <exception cref="ReleaseFormatException">None of those signed it, or a file is not what its manifest says.</exception>
    public static ReleaseManifest Sign(string folder, string trustedKeysPem, string privateKeyPem, CancellationToken cancellationToken)
    {
        var manifest = Open(folder, trustedKeysPem);
        var damage = FindDamage(folder, manifest, cancellationToken);
        if (damage.Count > 0) throw new ReleaseFormatException($"release {manifest.Version} is damaged: {string.Join("; ", damage)}");
        var signature = ReleaseKey.Sign(File.ReadAllBytes(Path.Combine(folder, ManifestName)), privateKeyPem);
        AtomicFile.Write(Path.Combine(folder, SignatureName), signature, FileModes.Readable);
        return manifest;
    }

    /// <summary>Reads the manifest and checks its signature, not the files.</summary>
    /// <param name="publicKeysPem">The keys that are trusted, one or more.</param>
    /// <exception cref="ReleaseFormatException">None of these keys signed it, or it is malformed.</exception>
    public static ReleaseManifest Open(string folder, string publicKeysPem)
    {
        var file = new FileInfo(Path.Combine(folder, ManifestName));
        if (file.Exists && file.Length > ReleaseManifest.MaxManifestBytes)
            throw new ReleaseFormatException($"{file.FullName} is too large for a manifest");
        var json = File.ReadAllBytes(file.FullName);
        if (!ReleaseKey.Verify(json, File.ReadAllBytes(Path.Combine(folder, SignatureName)), publicKeysPem))
            throw new ReleaseFormatException($"{file.FullName} is not signed by a trusted release key");
        return ReleaseManifest.Parse(json);
    }

    /// <summary>Every file against the manifest. Each difference is one line of the answer; an empty answer is a sound release.</summary>
    public static IReadOnlyList<string> FindDamage(string folder, ReleaseManifest manifest, CancellationToken cancellationToken)
    {
        var damage = new List<string>();
        foreach (var (name, file) in manifest.Files)
            Check(name, file.Size, () => HashFile(Path.Combine(folder, name)).Sha256 == file.Sha256, "SHA-256 differs");
        foreach (var layer in manifest.Layers)
            Check(layer.File, layer.Size, () => HashLayer(folder, layer.Name, manifest.ChunkSize) is var now && now.Sha256 == layer.Sha256
                && now.Chunks.SequenceEqual(layer.Chunks),
                "SHA-256 of the layer or of a chunk differs");
        return damage;

        void Check(string name, long size, Func<bool> sound, string otherwise)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var info = new FileInfo(Path.Combine(folder, name));
            if (!info.Exists) damage.Add($"{name}: missing");
            else if (info.Length != size) damage.Add($"{name}: {info.Length} bytes, not {size}");
            else if (!sound()) damage.Add($"{name}: {otherwise}");
        }
    }

    private static ReleaseFile HashFile(string path)
    {
        using var file = File.OpenRead(path);
        return new ReleaseFile { Size = file.Length, Sha256 = Convert.ToHexStringLower(SHA256.HashData(file)) };
    }

    private static ReleaseLayer HashLayer(string folder, string name, int chunkSize)
    {
        using var file = File.OpenRead(Path.Combine(folder, name + ".squashfs"));
        using var whole = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var chunks = new List<string>();
        var buffer = new byte[chunkSize];
        for (int count; (count = file.ReadAtLeast(buffer, chunkSize, throwOnEndOfStream: false)) > 0;)
        {
            whole.AppendData(buffer, 0, count);
            chunks.Add(Convert.ToHexStringLower(SHA256.HashData(buffer.AsSpan(0, count))));
        }
        return new ReleaseLayer { Name = name, File = name + ".squashfs", Size = file.Length,
            Sha256 = Convert.ToHexStringLower(whole.GetHashAndReset()), Chunks = chunks };
    }
}
