using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Operos.Backup;

/// <summary>
/// The head of a file of the format <c>age-encryption.org/v1</c> (C2SP age), encrypted with a passphrase: <c>age --decrypt</c> opens it
/// too.
/// </summary>
internal static class AgeHeader
{
    public const string Version = "age-encryption.org/v1";
    private const string Stanza = "-> scrypt ", Mac = "---";
    private const int KeyBytes = 32, FileKeyBytes = 16, SaltBytes = 16, TagBytes = 16, BlockSize = 8, LongestLine = 4096;

    /// <summary>
    /// The logarithm of scrypt's cost: 256 MB and a second. More than <see cref="MostCost"/> of a foreign file is not tried.
    /// </summary>
    public const int UsualCost = 18, MostCost = 18;

    /// <summary>Writes a head with a new key.</summary>
    /// <returns>The key.</returns>
    public static byte[] Write(Stream output, string passphrase, int cost)
    {
        var (key, salt) = (RandomNumberGenerator.GetBytes(FileKeyBytes), RandomNumberGenerator.GetBytes(SaltBytes));
        var wrapped = new byte[FileKeyBytes + TagBytes];
        using (var cipher = Wrap(passphrase, salt, cost))
            cipher.Encrypt(new byte[12], key, wrapped.AsSpan(0, FileKeyBytes), wrapped.AsSpan(FileKeyBytes));
        var signed = $"{Version}\n{Stanza}{Base64(salt)} {cost}\n{Base64(wrapped)}\n{Mac}";
        output.Write(Encoding.ASCII.GetBytes($"{signed} {Base64(Sign(key, signed))}\n"));
        return key;
    }

    /// <summary>Reads a head.</summary>
    /// <exception cref="BackupException">It is none, or not for this passphrase.</exception>
    public static byte[] Read(Stream input, string passphrase)
    {
        if (ReadLine(input) != Version) throw new BackupException("the file is not encrypted by age");
        var stanza = ReadLine(input);
        if (!stanza.StartsWith(Stanza, StringComparison.Ordinal))
            throw new BackupException("the file is not encrypted with a passphrase: decrypt it with age and its key first");
        if (stanza[Stanza.Length..].Split(' ') is not [var salt, var text]
            || !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var cost) || cost is < 1 or > MostCost)
            throw new BackupException($"the head of the encrypted file is damaged, or takes more work than is done here (2^{MostCost})");
        var body = ReadLine(input);
        var (last, wrapped) = (ReadLine(input), Decode(body, FileKeyBytes + TagBytes));
        var key = new byte[FileKeyBytes];
        try
        {
            using var cipher = Wrap(passphrase, Decode(salt, SaltBytes), cost);
            cipher.Decrypt(new byte[12], wrapped.AsSpan(0, FileKeyBytes), wrapped.AsSpan(FileKeyBytes), key);
        }
        catch (AuthenticationTagMismatchException e) { throw new BackupException("the passphrase is not this file's", e); }
        var signed = $"{Version}\n{stanza}\n{body}\n{Mac}";
        if (!last.StartsWith(Mac + " ", StringComparison.Ordinal)
            || !CryptographicOperations.FixedTimeEquals(Decode(last[(Mac.Length + 1)..], KeyBytes), Sign(key, signed)))
            throw Damaged();
        return key;
    }

    /// <summary>The key of what follows the head.</summary>
    public static byte[] PayloadKey(byte[] key, byte[] nonce) => Derive(key, nonce, "payload");

    private static ChaCha20Poly1305 Wrap(string passphrase, byte[] salt, int cost)
    {
        byte[] labelled = [.. Encoding.ASCII.GetBytes($"{Version}/scrypt"), .. salt];
        try { return new(Scrypt.DeriveKey(Encoding.UTF8.GetBytes(passphrase), labelled, cost, BlockSize, KeyBytes)); }
        catch (OutOfMemoryException e) { throw new BackupException($"the passphrase takes {1 << (cost - 10)} MB, and there are none", e); }
    }

    private static byte[] Sign(byte[] key, string signed) =>
        HMACSHA256.HashData(Derive(key, [], "header"), Encoding.ASCII.GetBytes(signed));

    private static byte[] Derive(byte[] key, byte[] salt, string use) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key, KeyBytes, salt, Encoding.ASCII.GetBytes(use));

    /// <summary>The format's Base64 has no padding.</summary>
    private static string Base64(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=');

    private static byte[] Decode(string text, int length)
    {
        try
        {
            var bytes = Convert.FromBase64String(text.PadRight((text.Length + 3) / 4 * 4, '='));
            return bytes.Length == length && Base64(bytes) == text ? bytes : throw Damaged();
        }
        catch (FormatException) { throw Damaged(); }
    }

    private static string ReadLine(Stream input)
    {
        var line = new StringBuilder();
        for (int read; (read = input.ReadByte()) != '\n';)
        {
            if (read is < ' ' or > '~' || line.Length == LongestLine) throw Damaged();
            line.Append((char)read);
        }
        return line.ToString();
    }

    private static BackupException Damaged() => new("the head of the encrypted file is damaged, or it is none");
}
