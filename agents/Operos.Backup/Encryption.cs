using System.Text;

namespace Operos.Backup;

/// <summary>Whether a file is encrypted, and what is in it.</summary>
public static class Encryption
{
    /// <summary>A stream of what the file holds, decrypted where it is encrypted.</summary>
    /// <param name="passphrase">Asked where it is.</param>
    /// <exception cref="BackupException">It is damaged, or not for this passphrase.</exception>
    public static Stream Open(FileStream file, Func<string> passphrase)
    {
        var head = new byte[AgeHeader.Version.Length];
        var read = file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        file.Position = 0;
        return Encoding.ASCII.GetString(head, 0, read) == AgeHeader.Version ? new AgeReader(file, passphrase()) : file;
    }
}
