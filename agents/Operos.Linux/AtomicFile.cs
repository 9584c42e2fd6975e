using System.Runtime.InteropServices;

namespace Operos.Linux;

/// <summary>Files that are wholly old or wholly new after a power cut: written beside, fsynced, renamed, the folder fsynced.</summary>
public static partial class AtomicFile
{
    /// <summary>The end of a file being written; a reader of the folder ignores such names.</summary>
    public const string PartialSuffix = ".partial";

    /// <param name="mode">The file's permissions from its first byte on.</param>
    public static void Write(string path, ReadOnlySpan<byte> contents, UnixFileMode mode = FileModes.Private)
    {
        var partial = path + PartialSuffix;
        File.Delete(partial);
        using (var file = new FileStream(partial, new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None, BufferSize = 0, UnixCreateMode = mode,
        }))
        {
            file.Write(contents);
            file.Flush(flushToDisk: true);
        }
        File.Move(partial, path, overwrite: true);
        SyncFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    /// <summary>Writes a file that has other contents or is not there; whether it did.</summary>
    /// <param name="mode">As with <see cref="Write"/>.</param>
    public static bool WriteIfChanged(string path, ReadOnlySpan<byte> contents,
        UnixFileMode mode = FileModes.Private)
    {
        if (File.Exists(path) && File.ReadAllBytes(path).AsSpan().SequenceEqual(contents)) return false;
        Write(path, contents, mode);
        return true;
    }

    /// <summary>Removes a file for good: it is gone after a power cut too.</summary>
    public static void Delete(string path)
    {
        File.Delete(path);
        SyncFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    /// <summary>fsync(2) of a folder: what was renamed in it stays renamed.</summary>
    public static void SyncFolder(string folder)
    {
        var descriptor = LinuxException.Check(open(folder, O_DIRECTORY | O_CLOEXEC, 0), "open", folder);
        try { LinuxException.Check(fsync(descriptor), "fsync", folder); }
        finally { _ = close(descriptor); }
    }

    private const int O_DIRECTORY = 0x10000;
    private const int O_CLOEXEC = 0x80000;

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags, int mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int descriptor);
}
