using System.Globalization;
using System.Runtime.InteropServices;

namespace Operos.Linux;

/// <summary>Whose a file is: chown(2).</summary>
public static partial class Ownership
{
    private const string Accounts = "/etc/passwd";

    /// <summary>Gives a file or a folder to a user of this machine and to that user's group.</summary>
    /// <exception cref="LinuxException">It cannot be given.</exception>
    /// <exception cref="IOException">There is no such user.</exception>
    public static void Give(string path, string user)
    {
        // passwd(5): name, password, user, group, and more.
        var account = File.ReadLines(Accounts).Select(line => line.Split(':')).FirstOrDefault(words => words.Length > 3 && words[0] == user)
            ?? throw new IOException($"{Accounts}: no user {user}; is its package installed?");
        var (owner, group) = (uint.Parse(account[2], CultureInfo.InvariantCulture), uint.Parse(account[3], CultureInfo.InvariantCulture));
        LinuxException.Check(chown(path, owner, group), "chown", path);
    }

    /// <summary>Gives a file or a folder to the user and group that another has.</summary>
    /// <exception cref="LinuxException">One is missing, or it cannot be given.</exception>
    public static void Copy(string from, string to)
    {
        Span<byte> status = stackalloc byte[StatusBytes];
        LinuxException.Check(statx(AT_FDCWD, from, 0, STATX_UID | STATX_GID, ref MemoryMarshal.GetReference(status)), "statx", from);
        LinuxException.Check(chown(to, MemoryMarshal.Read<uint>(status[UserOffset..]), MemoryMarshal.Read<uint>(status[GroupOffset..])),
            "chown", to);
    }

    // struct statx of linux/stat.h: 256 bytes, stx_uid and stx_gid at 20 and 24.
    private const int StatusBytes = 256, UserOffset = 20, GroupOffset = 24;
    private const int AT_FDCWD = -100;
    private const uint STATX_UID = 0x8, STATX_GID = 0x10;

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(int folder, string path, int flags, uint mask, ref byte status);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int chown(string path, uint owner, uint group);
}
