using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Operos.Linux;

/// <summary>A block device over a file (loop(4)); it goes by itself when its last user does.</summary>
public static partial class LoopDevice
{
    private const ulong LOOP_CTL_GET_FREE = 0x4C82;
    private const ulong LOOP_CONFIGURE = 0x4C0A;
    private const uint LO_FLAGS_READ_ONLY = 1;
    private const uint LO_FLAGS_AUTOCLEAR = 4;
    private const uint LO_FLAGS_PARTSCAN = 8;
    private const int LOCK_UN = 8;

    /// <summary>
    /// Attaches a file, for reading alone, and returns the open device: mount its path before disposing of it, or it is gone again.
    /// </summary>
    public static SafeFileHandle Attach(string file, out string device) => Attach(file, FileAccess.Read, 0, out device);

    /// <param name="sector">The size of the device's logical sectors; 0 for the usual one.</param>
    public static SafeFileHandle Attach(string file, FileAccess access, int sector, out string device) =>
        Attach(file, access, sector, partitions: false, out device);

    /// <param name="partitions">Whether it has partitions; they go with it.</param>
    public static SafeFileHandle Attach(string file, FileAccess access, int sector, bool partitions, out string device)
    {
        var flags = (access == FileAccess.Read ? LO_FLAGS_READ_ONLY : 0) | (partitions ? LO_FLAGS_PARTSCAN : 0);
        using var control = File.OpenHandle("/dev/loop-control", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        using var backing = File.OpenHandle(file, FileMode.Open, access,
            access == FileAccess.Read ? FileShare.Read : FileShare.ReadWrite);
        for (var attempt = 0; ; attempt++)
        {
            var number = LinuxException.Check(ioctl(control, LOOP_CTL_GET_FREE, 0), "ioctl LOOP_CTL_GET_FREE");
            device = $"/dev/loop{number}";
            var handle = File.OpenHandle(device, FileMode.Open, access, FileShare.ReadWrite);
            var result = Configure(handle, backing, flags, sector);
            if (result >= 0)
            {
                // .NET holds a shared lock on what it opened, and whoever partitions a disk waits for an exclusive one.
                if (partitions) LinuxException.Check(flock(handle, LOCK_UN), "flock", device);
                return handle;
            }
            var errno = Marshal.GetLastPInvokeError();
            handle.Dispose();
            // Another process took the device between the two calls: ask for the next.
            if (errno != Errno.EBUSY || attempt == 16) throw new LinuxException("ioctl LOOP_CONFIGURE", $"{device} for {file}", errno);
        }
    }

    private static unsafe int Configure(SafeFileHandle device, SafeFileHandle backing, uint flags, int sector)
    {
        var configuration = new LoopConfig
        {
            Descriptor = (uint)backing.DangerousGetHandle(),
            BlockSize = (uint)sector,
            Flags = flags | LO_FLAGS_AUTOCLEAR,
        };
        return ioctl(device, LOOP_CONFIGURE, (nint)(&configuration));
    }

    /// <summary>struct loop_config of linux/loop.h; what is not named stays zero.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 304)]
    private struct LoopConfig
    {
        [FieldOffset(0)] public uint Descriptor;
        [FieldOffset(4)] public uint BlockSize;
        [FieldOffset(8 + 52)] public uint Flags;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int flock(SafeFileHandle descriptor, int operation);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(SafeFileHandle descriptor, ulong request, nint argument);
}
