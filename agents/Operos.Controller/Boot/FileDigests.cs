using System.Security.Cryptography;

namespace Operos.Controller.Boot;

/// <summary>Whether files are what a manifest says: each is read once, and again when it was changed or replaced.</summary>
/// <param name="hashed">Files that PID 1 has compared with their manifest in this boot.</param>
internal sealed class FileDigests(IReadOnlySet<string>? hashed = null)
{
    private readonly Dictionary<string, Digest> known = new(StringComparer.Ordinal);
    private readonly DateTime booted = DateTime.UtcNow - TimeSpan.FromMilliseconds(Environment.TickCount64);

    /// <summary>A file's hash, and what the file looked like when it was read.</summary>
    private sealed record Digest(long Size, DateTime Changed, DateTime Made, string Sha256);

    /// <returns>What is wrong with it; null where nothing is.</returns>
    /// <exception cref="IOException">It cannot be read.</exception>
    public string? FindProblem(string path, long size, string sha256)
    {
        var info = new FileInfo(path);
        if (!info.Exists) return $"{info.Name} is missing";
        if (info.Length != size) return $"{info.Name} has {info.Length} bytes, not {size}";
        var before = known.GetValueOrDefault(path);
        if (before is null || before.Size != info.Length || before.Changed != info.LastWriteTimeUtc || before.Made != info.CreationTimeUtc)
        {
            var found = before is null && IsHashed(info) ? sha256 : Hash(path);
            known[path] = before = new Digest(info.Length, info.LastWriteTimeUtc, info.CreationTimeUtc, found);
        }
        return before.Sha256 == sha256 ? null : $"the SHA-256 of {info.Name} differs";
    }

    /// <summary>What was put in its place since the boot was hashed by nobody.</summary>
    private bool IsHashed(FileInfo file) =>
        hashed?.Contains(file.FullName) == true && file.LastWriteTimeUtc < booted && file.CreationTimeUtc < booted;

    private static string Hash(string path)
    {
        // Shared for writing and deleting: who mends the file need not wait for us.
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }
}
