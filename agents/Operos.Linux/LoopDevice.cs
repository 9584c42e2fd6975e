using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Operos.Linux;

/// <summary>A read-only block device over a file (loop(4)); it goes by itself when its last user does.</summary>
public static partial class LoopDevice
{
    private const ulong LOOP_CTL_GET_FREE = 0x4C82;
    private const ulong LOOP_CONFIGURE = 0x4C0A;
    private const uint LO_FLAGS_READ_ONLY = 1;
    private const uint LO_FLAGS_AUTOCLEAR = 4;

    /// <summary>Attaches a file and returns the open device: mount its path before disposing of it, or it is gone again.</summary>
    public static SafeFileHandle Attach(string file, out string device)
    {
        using var control = File.OpenHandle("/dev/loop-control", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        using var backing = File.OpenHandle(file, FileMode.Open, FileAccess.Read, FileShare.Read);
        for (var attempt = 0; ; attempt++)
        {
            var number = LinuxException.Check(ioctl(control, LOOP_CTL_GET_FREE, 0), "ioctl LOOP_CTL_GET_FREE");
            device = $"/dev/loop{number}";
            var handle = File.OpenHandle(device, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            var result = Configure(handle, backing);
            if (result >= 0) return handle;
            var errno = Marshal.GetLastPInvokeError();
            handle.Dispose();
            // Another process took the device between the two calls: ask for the next.
            if (errno != Errno.EBUSY || attempt == 16) throw new LinuxException("ioctl LOOP_CONFIGURE", $"{device} for {file}", errno);
        }
    }

    private static unsafe int Configure(SafeFileHandle device, SafeFileHandle backing)
    {
        var configuration = new LoopConfig
        {
            Descriptor = (uint)backing.DangerousGetHandle(),
            Flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR,
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
    private static partial int ioctl(SafeFileHandle descriptor, ulong request, nint argument);
}
