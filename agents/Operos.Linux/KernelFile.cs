namespace Operos.Linux;

/// <summary>A file that a kernel makes as it is read, in sysfs or procfs: its announced size says nothing of what it holds.</summary>
public static class KernelFile
{
    /// <summary>Reads it to its end, or to a bound.</summary>
    /// <returns>Nothing where it cannot be read, as where its device has just gone.</returns>
    public static byte[] Read(string path, int most)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
            var bytes = new byte[most];
            return bytes[..file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return []; }
    }
}
