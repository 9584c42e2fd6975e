using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Operos.Backup;

namespace Operos.Controller.Tests;

/// <summary>What a copied backup is encrypted with: the format of age(1), by a passphrase.</summary>
public sealed class AgeTests : IDisposable
{
    private const string Secret = "correct horse battery";
    private readonly string folder = Directory.CreateTempSubdirectory("operos-age-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>The test vectors of RFC 7914, section 12.</summary>
    [Theory]
    [InlineData("", "", 4, 1, "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
        + "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906")]
    [InlineData("pleaseletmein", "SodiumChloride", 14, 8, "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
        + "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887")]
    public void Scrypt_is_what_its_specification_says(string password, string salt, int cost, int blockSize, string key) =>
        Assert.Equal(key, Convert.ToHexStringLower(
            Scrypt.DeriveKey(Encoding.ASCII.GetBytes(password), Encoding.ASCII.GetBytes(salt), cost, blockSize, 64)));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65535)]
    [InlineData(65536)]
    [InlineData(65537)]
    [InlineData(200_000)]
    public void What_was_encrypted_is_read_back_and_one_flipped_bit_or_one_missing_byte_is_told(int size)
    {
        var file = Encrypt(size, out var expected);
        Assert.Equal(expected, Decrypt(file, Secret));
        var payload = file.Length - Body(size);
        var flipped = (byte[])file.Clone();
        flipped[payload + 16] ^= 1;
        Assert.Throws<BackupException>(() => Decrypt(flipped, Secret));
        Assert.Throws<BackupException>(() => Decrypt(file[..^1], Secret));
        Assert.Throws<BackupException>(() => Decrypt([.. file, 0], Secret));
        // Whole chunks that are missing at the end are no end either.
        if (size > 65536) Assert.Throws<BackupException>(() => Decrypt(file[..(payload + 16 + 65552)], Secret));
    }

    [Fact]
    public void Another_passphrase_a_changed_head_and_a_file_for_a_key_are_told_apart()
    {
        var file = Encrypt(10, out _);
        Assert.Equal("the passphrase is not this file's", Assert.Throws<BackupException>(() => Decrypt(file, "another one")).Message);
        var text = Encoding.Latin1.GetString(file);
        Assert.Contains("damaged", Assert.Throws<BackupException>(() => Decrypt(Latin1(text.Replace("\n--- ", "\n--- A",
            StringComparison.Ordinal)), Secret)).Message, StringComparison.Ordinal);
        Assert.Contains("more work than is done here", Assert.Throws<BackupException>(() => Decrypt(Latin1(text.Replace(" 10\n", " 30\n",
            StringComparison.Ordinal)), Secret)).Message, StringComparison.Ordinal);
        Assert.Contains("not encrypted with a passphrase", Assert.Throws<BackupException>(() => Decrypt(
            Latin1(text.Replace("-> scrypt ", "-> X25519 ", StringComparison.Ordinal)), Secret)).Message, StringComparison.Ordinal);
        Assert.Throws<BackupException>(() => Decrypt([], Secret));
        Assert.Throws<BackupException>(() => Decrypt(new byte[5000], Secret));
    }

    [Fact]
    public void The_program_age_reads_what_we_write_and_we_read_what_it_writes()
    {
        var (ours, theirs, plain) = (Path.Combine(folder, "ours.age"), Path.Combine(folder, "theirs.age"), Path.Combine(folder, "plain"));
        File.WriteAllBytes(ours, Encrypt(150_000, out var expected, AgeHeader.UsualCost));
        Age($"age --decrypt --output {plain} {ours}", $"{Secret}\n");
        Assert.Equal(expected, File.ReadAllBytes(plain));
        Age($"age --encrypt --passphrase --output {theirs} {plain}", $"{Secret}\n{Secret}\n");
        Assert.Equal(expected, Decrypt(File.ReadAllBytes(theirs), Secret));
    }

    /// <summary>It asks at a terminal alone; script(1) gives it one.</summary>
    private static void Age(string command, string answers)
    {
        using var process = Process.Start(new ProcessStartInfo("script", ["--quiet", "--return", "--command", command, "/dev/null"])
            { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        process.StandardInput.Write(answers);
        process.StandardInput.Close();
        var said = process.StandardOutput.ReadToEnd() + process.StandardError.ReadToEnd();
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(60)), "age does not end");
        Assert.True(process.ExitCode == 0, said);
    }

    private static byte[] Encrypt(int size, out byte[] plain, int cost = 10)
    {
        plain = RandomNumberGenerator.GetBytes(size);
        using var output = new MemoryStream();
        using var writer = new AgeWriter(output, Secret, cost);
        foreach (var part in plain.Chunk(50_000)) writer.Write(part);
        writer.Complete();
        return output.ToArray();
    }

    /// <summary>How many bytes follow the head.</summary>
    private static int Body(int size) => 16 + size + 16 * Math.Max(1, (size + 65535) / 65536);

    private static byte[] Latin1(string text) => Encoding.Latin1.GetBytes(text);

    private static byte[] Decrypt(byte[] file, string passphrase)
    {
        using var input = new MemoryStream(file);
        using var reader = new AgeReader(input, passphrase);
        using var plain = new MemoryStream();
        reader.CopyTo(plain);
        return plain.ToArray();
    }
}
