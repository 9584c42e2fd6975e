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

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int chown(string path, uint owner, uint group);
}
