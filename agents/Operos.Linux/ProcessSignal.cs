using System.Runtime.InteropServices;

namespace Operos.Linux;

/// <summary>kill(2).</summary>
public static partial class ProcessSignal
{
    /// <summary>SIGHUP: to a daemon, that it reads its files again.</summary>
    public const int Hangup = 1;

    /// <summary>
    /// SIGRTMIN+5 as glibc counts, which systemd is built with: to systemd, that it starts <c>reboot.target</c> (systemd(1), Signals).
    /// </summary>
    public const int SystemdReboot = 39;

    /// <exception cref="LinuxException">There is no such process, or it is another's.</exception>
    public static void Send(int process, int signal) => LinuxException.Check(kill(process, signal), "kill", $"process {process}");

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int process, int signal);
}
