using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Operos.Lab;

/// <summary>
/// Verdicts on KVM, a small file each, outside the checkout: whoever asks next on this host knows. A folder that cannot be written costs a
/// probe each time.
/// </summary>
/// <param name="folder">Null for none.</param>
internal sealed class AcceleratorRecords(string? folder)
{
    /// <summary>The file's last part is the verdict's line, which <c>tests/preflight.sh</c> shows.</summary>
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly TimeSpan Kept = TimeSpan.FromDays(30);

    public static AcceleratorRecords Default { get; } = new(CacheFolder() is { } cache ? Path.Combine(cache, "accelerator") : null);

    /// <summary>The verdict for this very host and boot; null where there is none, or none that can be read.</summary>
    public Verdict? Read(HostIdentity host)
    {
        if (folder is null) return null;
        try
        {
            var entry = JsonSerializer.Deserialize<Entry>(File.ReadAllBytes(PathOf(host)));
            return entry?.Host == host ? entry.Verdict : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException) { return null; }
    }

    /// <summary>Written aside and renamed: two that write at once leave one of the two, whole.</summary>
    public void Write(HostIdentity host, Verdict verdict)
    {
        if (folder is null) return;
        try
        {
            Directory.CreateDirectory(folder);
            var old = new DirectoryInfo(folder).EnumerateFiles().Where(file => DateTime.UtcNow - file.LastWriteTimeUtc > Kept);
            foreach (var file in old) file.Delete();
            var aside = Path.Combine(folder, Path.GetRandomFileName());
            File.WriteAllBytes(aside, JsonSerializer.SerializeToUtf8Bytes(new Entry(host, verdict), Plain));
            File.Move(aside, PathOf(host), overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"kvm: not recorded: {e.Message}");
        }
    }

    private string PathOf(HostIdentity host)
    {
        var hash = SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(host));
        return Path.Combine(folder!, Convert.ToHexStringLower(hash)[..16] + ".json");
    }

    /// <summary>As <c>images/cache.sh</c> chooses it: set to nothing, there is none.</summary>
    private static string? CacheFolder()
    {
        if (Environment.GetEnvironmentVariable("OPEROS_CACHE") is { } own) return own.Length > 0 ? Path.GetFullPath(own) : null;
        if (Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } shared) return Path.Combine(shared, "operos");
        return Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache/operos");
    }

    private sealed record Entry(HostIdentity Host, Verdict Verdict);
}
