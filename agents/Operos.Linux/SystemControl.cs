using System.Runtime.InteropServices;

namespace Operos.Linux;

/// <summary>Calls that change the whole machine: reboot(2), clock_settime(2), sethostname(2), execve(2), sync(2).</summary>
public static partial class SystemControl
{
    private const int RB_AUTOBOOT = 0x01234567;
    private const int RB_DISABLE_CAD = 0;
    private const int SIGPIPE = 13;
    private const int CLOCK_REALTIME = 0;
    private const int CLOCK_BOOTTIME = 7;

    /// <summary>Writes everything out and restarts the machine now.</summary>
    public static void Reboot()
    {
        sync();
        LinuxException.Check(reboot(RB_AUTOBOOT), "reboot");
    }

    /// <summary>Ctrl-Alt-Del sends SIGINT to PID 1 instead of resetting the machine.</summary>
    public static void CatchCtrlAltDel() => LinuxException.Check(reboot(RB_DISABLE_CAD), "reboot RB_DISABLE_CAD");

    public static void SetHostname(string name) => LinuxException.Check(sethostname(name, (nuint)name.Length), "sethostname", name);

    public static void SetClock(DateTimeOffset time)
    {
        var milliseconds = time.ToUnixTimeMilliseconds();
        var value = new Timespec { Seconds = milliseconds / 1000, Nanoseconds = milliseconds % 1000 * 1_000_000 };
        LinuxException.Check(clock_settime(CLOCK_REALTIME, in value), "clock_settime");
    }

    /// <summary>Milliseconds since the kernel started, sleep included (CLOCK_BOOTTIME).</summary>
    public static long BootMilliseconds()
    {
        LinuxException.Check(clock_gettime(CLOCK_BOOTTIME, out var value), "clock_gettime");
        return value.Seconds * 1000 + value.Nanoseconds / 1_000_000;
    }

    /// <summary>Becomes another program; returns only by throwing. The runtime ignores SIGPIPE, which execve would hand on.</summary>
    public static unsafe void Execute(string path, IReadOnlyList<string> arguments, IReadOnlyList<string> environment)
    {
        _ = signal(SIGPIPE, 0);
        var argv = Allocate(arguments);
        var envp = Allocate(environment);
        LinuxException.Check(execve(path, argv, envp), "execve", path);
    }

    private static unsafe byte** Allocate(IReadOnlyList<string> strings)
    {
        var block = (byte**)NativeMemory.AllocZeroed((nuint)(strings.Count + 1), (nuint)sizeof(byte*));
        for (var i = 0; i < strings.Count; i++) block[i] = (byte*)Marshal.StringToCoTaskMemUTF8(strings[i]);
        return block;
    }

    private struct Timespec
    {
        public long Seconds;
        public long Nanoseconds;
    }

    [LibraryImport("libc")]
    private static partial void sync();

    [LibraryImport("libc", SetLastError = true)]
    private static partial int reboot(int command);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sethostname(string name, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int clock_settime(int clock, in Timespec time);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int clock_gettime(int clock, out Timespec time);

    [LibraryImport("libc")]
    private static partial nint signal(int number, nint handler);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int execve(string path, byte** argv, byte** envp);
}
