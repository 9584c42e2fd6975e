namespace Operos.Linux;

/// <summary>The error numbers that callers tell apart (errno(3), x86-64).</summary>
public static class Errno
{
    public const int ENOENT = 2;
    public const int ENXIO = 6;
    public const int EBUSY = 16;
    public const int EEXIST = 17;
}
