using Microsoft.Win32.SafeHandles;

namespace Operos.Lab;

/// <summary>
/// A guest's memory as a file that QEMU maps. It has no name any more, so the kernel frees it with the last process that holds it, however
/// that ends: gigabytes in /dev/shm outlive no killed run.
/// </summary>
public sealed class MemoryFile : IDisposable
{
    private const string SharedMemory = "/dev/shm";
    private readonly SafeFileHandle handle;

    private MemoryFile(SafeFileHandle handle, int mebibytes) => (this.handle, Mebibytes) = (handle, mebibytes);

    public int Mebibytes { get; }

    /// <summary>Where another program opens it, as long as this process runs.</summary>
    public string Path => $"/proc/{Environment.ProcessId}/fd/{handle.DangerousGetHandle()}";

    /// <summary>A file of zeros that takes room only where it is written.</summary>
    /// <param name="folder">On a disk: for a host whose /dev/shm is too small.</param>
    public static MemoryFile Create(string folder, int mebibytes)
    {
        var size = (long)mebibytes << 20;
        var place = new DriveInfo(SharedMemory).AvailableFreeSpace > size ? SharedMemory : folder;
        var path = System.IO.Path.Combine(place, $"operos-memory-{Guid.NewGuid():N}");
        var handle = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        File.Delete(path);
        RandomAccess.SetLength(handle, size);
        return new MemoryFile(handle, mebibytes);
    }

    /// <summary>Another file with the same content; pages of zeros take no room.</summary>
    public async Task<MemoryFile> CopyAsync(string folder, CancellationToken cancellationToken)
    {
        var copy = Create(folder, Mebibytes);
        try { await Shell.RunAsync("cp", ["--sparse=always", Path, copy.Path], cancellationToken).ConfigureAwait(false); }
        catch
        {
            copy.Dispose();
            throw;
        }
        return copy;
    }

    public void Dispose() => handle.Dispose();
}
