using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Operos.Linux;

/// <summary>
/// The lock on a disk's device (flock(2)) that keeps systemd-udevd from reading its partition table anew, which takes the partitions away
/// for a moment, after each time that somebody wrote to it.
/// </summary>
public sealed partial class DeviceLock : IDisposable
{
    private const int O_RDONLY = 0, O_NONBLOCK = 0x800, O_CLOEXEC = 0x80000;
    private const int LOCK_EX = 2, LOCK_NB = 4, EWOULDBLOCK = 11;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly SafeFileHandle device;

    private DeviceLock(SafeFileHandle device) => this.device = device;

    /// <summary>Takes it; whoever has it is waited for.</summary>
    /// <param name="longest">How long.</param>
    /// <exception cref="IOException">It cannot be opened, or is not given up in time.</exception>
    public static async Task<DeviceLock> TakeAsync(string path, TimeSpan longest, CancellationToken cancellationToken)
    {
        // By open(2): .NET would take a shared lock of its own, and fail where somebody has this one.
        var device = new SafeFileHandle(LinuxException.Check(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0), "open", path),
            ownsHandle: true);
        try
        {
            var start = TimeProvider.System.GetTimestamp();
            while (flock(device, LOCK_EX | LOCK_NB) < 0)
            {
                var errno = Marshal.GetLastPInvokeError();
                if (errno != EWOULDBLOCK) throw new LinuxException("flock", path, errno);
                if (TimeProvider.System.GetElapsedTime(start) > longest)
                    throw new IOException($"{path} was locked by somebody else for {longest.TotalSeconds:0} s");
                await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
            }
            return new DeviceLock(device);
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    public void Dispose() => device.Dispose();

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags, int mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int flock(SafeFileHandle descriptor, int operation);
}
