using System.Globalization;
using Operos.Linux;
using Operos.Linux.Programs;

namespace Operos.Storage.Contents;

/// <summary>Encrypted partitions, by cryptsetup(8). A key is handed over by a pipe, in hex, and is in no argument and in no file.</summary>
public static class Encryption
{
    /// <summary>The bytes of a key.</summary>
    public const int KeyBytes = 32;

    private const string Cipher = "aes-xts-plain64";
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);

    /// <summary>Whether the CPU has instructions for AES, without which encryption costs more than a disk's time.</summary>
    /// <param name="cpuInfo">Another place than <c>/proc/cpuinfo</c>.</param>
    public static bool CpuHasAes(string cpuInfo = "/proc/cpuinfo")
    {
        try
        {
            return File.ReadLines(cpuInfo).Take(4096).Any(line => (line.StartsWith("flags", StringComparison.Ordinal)
                || line.StartsWith("Features", StringComparison.Ordinal)) && line.Split(' ', ':', '\t').Contains("aes"));
        }
        catch (IOException) { return false; }
    }

    /// <summary>Whether it begins as LUKS does.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static bool IsEncrypted(string path)
    {
        using var device = BlockDevice.Open(path);
        return device.Read(0, 6).SequenceEqual<byte>([.. "LUKS"u8, 0xBA, 0xBE]);
    }

    /// <summary>Makes a LUKS2 header; whatever was there is gone.</summary>
    /// <exception cref="IOException">It cannot be made.</exception>
    public static Task FormatAsync(string path, byte[] key, CancellationToken cancellationToken) =>
        // The key is random, all of it: a derivation that takes long would add nothing, and Argon2 takes a gigabyte of a small machine.
        RunAsync($"{path} cannot be encrypted", ["luksFormat", "--type", "luks2", "--cipher", Cipher, "--key-size", "512",
            "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "--key-file", "-", path], key, cancellationToken);

    /// <summary>Opens one, and returns the path of the device in clear.</summary>
    /// <param name="name">Of the new device.</param>
    /// <exception cref="IOException">It cannot be opened: the key is another's, or the header is damaged.</exception>
    public static async Task<string> OpenAsync(string path, string name, byte[] key, CancellationToken cancellationToken)
    {
        await RunAsync($"{path} cannot be opened", ["open", "--type", "luks2", "--allow-discards", "--key-file", "-", path, name], key,
            cancellationToken).ConfigureAwait(false);
        return $"/dev/mapper/{name}";
    }

    /// <summary>Opens a partition with a new key that nobody knows, and without a header: what was there is noise from now on.</summary>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public static async Task<string> OpenWithNewKeyAsync(string path, string name, CancellationToken cancellationToken)
    {
        // cryptsetup reads as many bytes from there as the key has.
        await RunAsync($"{path} cannot be opened", ["open", "--type", "plain", "--cipher", Cipher, "--key-size", "512",
            "--allow-discards", "--key-file", "/dev/urandom", path, name], null, cancellationToken).ConfigureAwait(false);
        return $"/dev/mapper/{name}";
    }

    /// <summary>Closes the device in clear; its key is forgotten.</summary>
    /// <exception cref="IOException">It is in use.</exception>
    public static Task CloseAsync(string name, CancellationToken cancellationToken) =>
        RunAsync($"{name} cannot be closed", ["close", name], null, cancellationToken);

    private static async Task RunAsync(string failure, string[] arguments, byte[]? key, CancellationToken cancellationToken)
    {
        if (key is { Length: not KeyBytes }) throw new ArgumentException($"a key of {key.Length} bytes", nameof(key));
        var result = await ProgramCall.RunAsync("cryptsetup", ["--batch-mode", .. arguments], cancellationToken,
            key is null ? null : Convert.ToHexStringLower(key), Longest).ConfigureAwait(false);
        if (result.Code != 0)
            throw new IOException(string.Create(CultureInfo.InvariantCulture,
                $"{failure}: cryptsetup ended with {result.Code}: {PrintableText.Line(result.LastLine)}"));
    }
}
