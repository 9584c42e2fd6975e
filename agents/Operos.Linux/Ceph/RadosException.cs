using System.Runtime.InteropServices;

namespace Operos.Linux.Ceph;

/// <summary>Ceph refused something, or did not answer: who, why (errno(3)), and in its own words.</summary>
public sealed class RadosException(string who, int errno, string words)
    : IOException($"{who}: {(words.Length > 0 ? words : Marshal.GetPInvokeErrorMessage(errno))} (errno {errno})")
{
    private const int ENOENT = 2, EAGAIN = 11, EBUSY = 16, EEXIST = 17, EROFS = 30, ESHUTDOWN = 108, ETIMEDOUT = 110;

    public int Errno { get; } = errno;

    /// <summary>Nobody answered in time: what was asked may have been done all the same.</summary>
    public bool IsTimeout => Errno == ETIMEDOUT;

    /// <summary>The cluster shut this connection out (<c>osd blocklist</c>): another is needed.</summary>
    public bool IsShutOut => Errno == ESHUTDOWN;

    /// <summary>There is none.</summary>
    public bool IsMissing => Errno == ENOENT;

    /// <summary>Somebody uses it.</summary>
    public bool IsInUse => Errno == EBUSY;

    /// <summary>The answer to a question whether something may be done, such as <c>osd safe-to-destroy</c>: no, or not known yet.</summary>
    public bool IsNo => Errno is EBUSY or EAGAIN;

    /// <summary>Who has an image's lock keeps it.</summary>
    public bool IsLocked => Errno == EROFS;

    /// <summary>There is one already, which is another.</summary>
    public bool Exists => Errno == EEXIST;
}
