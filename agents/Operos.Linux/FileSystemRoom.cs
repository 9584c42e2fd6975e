using System.Runtime.InteropServices;

namespace Operos.Linux;

/// <summary>How full a file system is (statvfs(3)).</summary>
/// <param name="Bytes">All that it has.</param>
/// <param name="FreeBytes">What any user may still write.</param>
/// <param name="UsedBytes">What is written.</param>
/// <param name="Files">How many files it can have.</param>
public sealed partial record FileSystemRoom(long Bytes, long FreeBytes, long UsedBytes, long Files, long FreeFiles)
{
    /// <exception cref="LinuxException">There is none, or it does not answer.</exception>
    public static FileSystemRoom Of(string path)
    {
        Span<long> status = stackalloc long[StatusBytes / sizeof(long)];
        LinuxException.Check(statvfs(path, ref MemoryMarshal.GetReference(status)), "statvfs", path);
        var unit = status[1];
        return new FileSystemRoom(status[2] * unit, status[4] * unit, (status[2] - status[3]) * unit, status[5], status[7]);
    }

    // struct statvfs of bits/statvfs.h on x86-64: bsize, frsize, blocks, bfree, bavail, files, ffree, favail, 8 bytes each, of 112 bytes.
    private const int StatusBytes = 112;

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statvfs(string path, ref long status);
}
