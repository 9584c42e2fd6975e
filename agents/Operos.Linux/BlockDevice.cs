using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Operos.Linux;

/// <summary>
/// A disk, or a file as its image, as bytes: open(2), pread(2), pwrite(2). A device is read past the page cache (O_DIRECT), so that what is
/// seen is what it holds, and a sector that cannot be read costs no reading ahead. Reading takes no lock, waits for no medium and makes no
/// event: a device that is closed without having been open for writing is not looked at anew by anybody.
/// </summary>
public sealed unsafe partial class BlockDevice : IDisposable
{
    /// <summary>The most bytes of one read.</summary>
    public const int LongestRead = 1 << 20;

    /// <summary>What a transfer past the page cache is aligned to: no device that Linux drives has larger logical sectors.</summary>
    public const int Alignment = 4096;

    private readonly SafeFileHandle handle;
    private readonly string path;
    private byte* buffer;

    private BlockDevice(string path, bool writable, bool exclusive = true)
    {
        this.path = path;
        Span<byte> status = stackalloc byte[StatusBytes];
        LinuxException.Check(statx(AT_FDCWD, path, 0, STATX_TYPE | STATX_SIZE, ref MemoryMarshal.GetReference(status)), "statx", path);
        var kind = MemoryMarshal.Read<ushort>(status[ModeOffset..]) & S_IFMT;
        IsDevice = kind == S_IFBLK;
        if (!IsDevice && kind != S_IFREG) throw new IOException($"{path} is neither a block device nor a file");
        // O_EXCL claims a device: EBUSY while it is mounted, or a part of another.
        var access = !writable ? O_RDONLY : IsDevice && exclusive ? O_RDWR | O_EXCL : O_RDWR;
        var flags = O_CLOEXEC | O_NONBLOCK | (IsDevice ? O_DIRECT : 0) | access;
        handle = new SafeFileHandle(LinuxException.Check(open(path, flags, 0), "open", path), ownsHandle: true);
        try
        {
            if (IsDevice)
            {
                long bytes = 0;
                int logical = 0, physical = 0, readOnly = 0;
                LinuxException.Check(ioctl(handle, BLKGETSIZE64, &bytes), "ioctl BLKGETSIZE64", path);
                LinuxException.Check(ioctl(handle, BLKSSZGET, &logical), "ioctl BLKSSZGET", path);
                LinuxException.Check(ioctl(handle, BLKPBSZGET, &physical), "ioctl BLKPBSZGET", path);
                LinuxException.Check(ioctl(handle, BLKROGET, &readOnly), "ioctl BLKROGET", path);
                (Bytes, LogicalSector, PhysicalSector, IsReadOnly) = (bytes, logical, physical, readOnly != 0);
            }
            else
            {
                Bytes = MemoryMarshal.Read<long>(status[SizeOffset..]);
            }
            buffer = (byte*)NativeMemory.AlignedAlloc(LongestRead + 2 * Alignment, Alignment);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    ~BlockDevice() => Free();

    /// <summary>The number of a block device, as sysfs writes it (<c>8:1</c>); null where there is none at the path.</summary>
    public static string? NumberOf(string path)
    {
        Span<byte> status = stackalloc byte[StatusBytes];
        if (statx(AT_FDCWD, path, 0, STATX_TYPE, ref MemoryMarshal.GetReference(status)) < 0
            || (MemoryMarshal.Read<ushort>(status[ModeOffset..]) & S_IFMT) != S_IFBLK) return null;
        return $"{MemoryMarshal.Read<uint>(status[DeviceOffset..])}:{MemoryMarshal.Read<uint>(status[(DeviceOffset + 4)..])}";
    }

    /// <summary>For reading alone.</summary>
    /// <exception cref="IOException">It cannot be opened, or is neither a block device nor a file.</exception>
    public static BlockDevice Open(string path) => new(path, writable: false);

    /// <summary>
    /// For writing too. A device is claimed: nobody has it mounted or made it a part of another, nor does as long as it is open.
    /// </summary>
    /// <exception cref="IOException">It cannot be opened, is in use, or is neither a block device nor a file.</exception>
    public static BlockDevice OpenForWriting(string path) => new(path, writable: true);

    /// <summary>For writing beside those who use it, to places that are nobody's but the caller's.</summary>
    /// <exception cref="IOException">It cannot be opened, or is neither a block device nor a file.</exception>
    public static BlockDevice OpenForWritingInUse(string path) => new(path, writable: true, exclusive: false);

    /// <summary>Whether it is a block device; else a file.</summary>
    public bool IsDevice { get; }

    public long Bytes { get; }

    /// <summary>In bytes; 512 of a file.</summary>
    public int LogicalSector { get; } = 512;

    /// <summary>In bytes; 512 of a file.</summary>
    public int PhysicalSector { get; } = 512;

    public bool IsReadOnly { get; }

    /// <summary>
    /// Reads at most <see cref="LongestRead"/> bytes; fewer only at the end of the device. They are valid until the next read.
    /// </summary>
    /// <exception cref="LinuxException">They cannot be read.</exception>
    public ReadOnlySpan<byte> Read(long offset, int length)
    {
        ObjectDisposedException.ThrowIf(buffer is null, this);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, LongestRead);
        var start = offset / Alignment * Alignment;
        var wanted = (int)(offset - start) + length;
        var rounded = (wanted + Alignment - 1) / Alignment * Alignment;
        // A device of 512-byte sectors may end inside the last block.
        if (start + rounded > Bytes) rounded = (int)Math.Max(0, IsDevice ? Bytes - start : rounded);
        var done = 0;
        while (done < Math.Min(wanted, rounded))
        {
            var read = pread(handle, buffer + done, (nuint)(rounded - done), start + done);
            if (read < 0 && Marshal.GetLastPInvokeError() == EINTR) continue;
            LinuxException.Check((int)read, "pread", $"{path} at {start + done}");
            if (read == 0) break;
            done += (int)read;
        }
        var skipped = (int)(offset - start);
        return new ReadOnlySpan<byte>(buffer + skipped, Math.Clamp(done - skipped, 0, length));
    }

    /// <summary>Writes whole blocks of <see cref="Alignment"/> bytes; the last of the device may be shorter.</summary>
    /// <exception cref="LinuxException">They cannot be written.</exception>
    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        ObjectDisposedException.ThrowIf(buffer is null, this);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes.Length, LongestRead);
        if (offset % Alignment != 0 || (bytes.Length % Alignment != 0 && offset + bytes.Length != Bytes))
            throw new ArgumentException($"{offset} and {bytes.Length} are not whole blocks", nameof(bytes));
        bytes.CopyTo(new Span<byte>(buffer, bytes.Length));
        for (var done = 0; done < bytes.Length;)
        {
            var written = pwrite(handle, buffer + done, (nuint)(bytes.Length - done), offset + done);
            if (written < 0 && Marshal.GetLastPInvokeError() == EINTR) continue;
            LinuxException.Check((int)written, "pwrite", $"{path} at {offset + done}");
            if (written == 0) throw new IOException($"{path} takes nothing at {offset + done}");
            done += (int)written;
        }
    }

    /// <summary>Returns when what was written is on the medium.</summary>
    /// <exception cref="LinuxException">It is not.</exception>
    public void Flush() => LinuxException.Check(fsync(handle), "fsync", path);

    public void Dispose()
    {
        handle.Dispose();
        Free();
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes it once a task that reads from it has ended: a read that hangs in the kernel still writes where it was to.</summary>
    public void DisposeAfter(Task reader) => reader.ContinueWith(_ => Dispose(), CancellationToken.None,
        TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    private void Free()
    {
        NativeMemory.AlignedFree(buffer);
        buffer = null;
    }

    private const int AT_FDCWD = -100;
    private const int O_RDONLY = 0, O_RDWR = 2, O_EXCL = 0x80, O_NONBLOCK = 0x800, O_DIRECT = 0x4000, O_CLOEXEC = 0x80000;
    private const int S_IFMT = 0xF000, S_IFBLK = 0x6000, S_IFREG = 0x8000;
    private const int EINTR = 4;
    private const uint STATX_TYPE = 0x1, STATX_SIZE = 0x200;
    private const ulong BLKROGET = 0x125E, BLKSSZGET = 0x1268, BLKPBSZGET = 0x127B, BLKGETSIZE64 = 0x80081272;

    // struct statx of linux/stat.h: 256 bytes, stx_mode at 28, stx_size at 40, stx_rdev_major at 128.
    private const int StatusBytes = 256, ModeOffset = 28, SizeOffset = 40, DeviceOffset = 128;

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(int folder, string path, int flags, uint mask, ref byte status);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags, int mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(SafeFileHandle descriptor, ulong request, void* argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint pread(SafeFileHandle descriptor, byte* bytes, nuint length, long offset);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint pwrite(SafeFileHandle descriptor, byte* bytes, nuint length, long offset);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(SafeFileHandle descriptor);
}
