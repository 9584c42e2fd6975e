using System.Runtime.InteropServices;

namespace Operos.Linux.Ceph;

/// <summary>Ceph refused something, or did not answer: who, why (errno(3)), and in its own words.</summary>
public sealed class RadosException(string who, int errno, string words)
    : IOException($"{who}: {(words.Length > 0 ? words : Marshal.GetPInvokeErrorMessage(errno))} (errno {errno})")
{
    private const int ETIMEDOUT = 110, EEXIST = 17;

    public int Errno { get; } = errno;

    /// <summary>Nobody answered in time: what was asked may have been done all the same.</summary>
    public bool IsTimeout => Errno == ETIMEDOUT;

    /// <summary>There is one already, which is another.</summary>
    public bool Exists => Errno == EEXIST;
}
