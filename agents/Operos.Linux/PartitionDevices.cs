using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Operos.Linux;

/// <summary>Tells the kernel of partitions that it did not find itself (BLKPG, linux/blkpg.h).</summary>
public static unsafe partial class PartitionDevices
{
    private const ulong BLKPG = 0x1269;
    private const int O_RDONLY = 0, O_NONBLOCK = 0x800, O_CLOEXEC = 0x80000;
    private const int BLKPG_ADD_PARTITION = 1, BLKPG_DEL_PARTITION = 2;

    /// <summary>Adds one; its device is there when this returns, where <c>/dev</c> is the kernel's.</summary>
    /// <param name="disk">The path of the disk's device.</param>
    /// <param name="number">From 1.</param>
    /// <param name="offset">In bytes.</param>
    /// <exception cref="LinuxException">The kernel has one with that number or in that place, or refuses.</exception>
    public static void Add(string disk, int number, long offset, long bytes) =>
        Call(disk, BLKPG_ADD_PARTITION, number, offset, bytes, "ioctl BLKPG_ADD_PARTITION");

    /// <summary>Makes the kernel forget one.</summary>
    /// <exception cref="LinuxException">It is in use, or there is none.</exception>
    public static void Remove(string disk, int number) => Call(disk, BLKPG_DEL_PARTITION, number, 0, 0, "ioctl BLKPG_DEL_PARTITION");

    private static void Call(string disk, int operation, int number, long offset, long bytes, string name)
    {
        // By open(2): .NET would take a lock, and fail where somebody has the disk's (DeviceLock).
        using var device = new SafeFileHandle(LinuxException.Check(open(disk, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0), "open", disk),
            ownsHandle: true);
        var partition = new Partition { Start = offset, Length = bytes, Number = number };
        var argument = new Argument { Operation = operation, DataLength = sizeof(Partition), Data = &partition };
        LinuxException.Check(ioctl(device, BLKPG, &argument), name, $"{disk} {number}");
    }

    /// <summary>struct blkpg_ioctl_arg.</summary>
    private struct Argument
    {
        public int Operation;
        public int Flags;
        public int DataLength;
        public void* Data;
    }

    /// <summary>struct blkpg_partition: two names of 64 bytes follow, which the kernel does not read.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 152)]
    private struct Partition
    {
        [FieldOffset(0)] public long Start;
        [FieldOffset(8)] public long Length;
        [FieldOffset(16)] public int Number;
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags, int mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(SafeFileHandle descriptor, ulong request, void* argument);
}
