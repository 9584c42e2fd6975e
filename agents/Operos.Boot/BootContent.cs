using System.Text;

namespace Operos.Boot;

/// <summary>What a path stands for: a file on disk, or bytes in memory.</summary>
public sealed record BootContent(string? File, byte[]? Bytes, string ETag, string Type)
{
    public static BootContent OfText(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return new BootContent(null, bytes, $"\"{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes))[..16]}\"",
            "text/plain");
    }

    /// <param name="hash">The file's hash where it is known; size and time stand for it otherwise.</param>
    public static BootContent? OfFile(string path, string? hash = null)
    {
        var info = new FileInfo(path);
        return info.Exists ? new BootContent(path, null, hash is null
            ? $"\"{info.Length:x}-{info.LastWriteTimeUtc.Ticks:x}\"" : $"\"{hash}\"", "application/octet-stream") : null;
    }
}
