using System.Runtime.InteropServices;

namespace Operos.Linux;

/// <summary>A system call failed: which, on what, and why (errno(3)).</summary>
public sealed class LinuxException : IOException
{
    public LinuxException(string syscall, string? subject, int errno)
        : base($"{syscall}{(subject is null ? "" : $" {subject}")}: {Marshal.GetPInvokeErrorMessage(errno)} (errno {errno})")
    {
        Syscall = syscall;
        Errno = errno;
    }

    public string Syscall { get; }
    public int Errno { get; }

    /// <summary>Throws for a negative result, with the errno of the call just made.</summary>
    internal static int Check(int result, string syscall, string? subject = null) =>
        result >= 0 ? result : throw new LinuxException(syscall, subject, Marshal.GetLastPInvokeError());
}
