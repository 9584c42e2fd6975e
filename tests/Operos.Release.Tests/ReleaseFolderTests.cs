using System.Text;
using CsCheck;
using Operos.Release;
using Operos.Release.Publishing;

namespace Operos.Release.Tests;

public sealed class ReleaseFolderTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("operos-release-").FullName;
    private readonly string key, publicKey;

    public ReleaseFolderTests()
    {
        ReleaseKey.Generate(Path.Combine(folder, "keys"));
        key = File.ReadAllText(Path.Combine(folder, "keys", ReleaseKey.PrivateName));
        publicKey = File.ReadAllText(Path.Combine(folder, "keys", ReleaseKey.PublicName));
        foreach (var name in (string[])["vmlinuz", "initramfs.img", "base.squashfs", "node.squashfs", "worker.squashfs",
            "controller.squashfs"])
            File.WriteAllBytes(Path.Combine(folder, name), Enumerable.Range(0, 300_000 + name.Length).Select(i => (byte)(i * name.Length))
                .ToArray());
    }

    [Fact]
    public void What_is_built_verifies()
    {
        var built = Build();
        var read = ReleaseFolder.Open(folder, publicKey);
        Assert.Equal(built.Version, read.Version);
        Assert.Equal(2, read.Layers[0].Chunks.Count);
        Assert.Empty(ReleaseFolder.FindDamage(folder, read, default));
    }

    [Fact]
    public void Any_flipped_byte_of_a_file_is_found()
    {
        var manifest = Build();
        Gen.Select(Gen.Int[0, 2].Select(i => ((string[])["vmlinuz", "base.squashfs", "controller.squashfs"])[i]), Gen.Int[0, 299_999])
            .Sample((name, position) =>
        {
            Flip(name, position);
            var damage = ReleaseFolder.FindDamage(folder, manifest, default);
            Flip(name, position);
            return damage.Count == 1 && damage[0].StartsWith(name, StringComparison.Ordinal);
        }, iter: 20, threads: 1);
    }

    [Fact]
    public void Any_flipped_byte_of_the_manifest_breaks_its_signature()
    {
        Build();
        var length = (int)new FileInfo(Path.Combine(folder, ReleaseFolder.ManifestName)).Length;
        Gen.Int[0, length - 1].Sample(position =>
        {
            Flip(ReleaseFolder.ManifestName, position);
            Assert.Throws<ReleaseFormatException>(() => ReleaseFolder.Open(folder, publicKey));
            Flip(ReleaseFolder.ManifestName, position);
        }, iter: 50, threads: 1);
    }

    [Fact]
    public void A_key_is_never_overwritten_and_is_readable_by_its_owner_alone()
    {
        var keys = Path.Combine(folder, "keys");
        Assert.Throws<IOException>(() => ReleaseKey.Generate(keys));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(keys, ReleaseKey.PrivateName)));
    }

    [Fact]
    public void One_of_several_trusted_keys_is_enough_and_another_key_is_not()
    {
        Build();
        string[] names = ["b", "c", .. Enumerable.Range(0, P256.MaxKeys).Select(number => $"n{number}")];
        foreach (var name in names) ReleaseKey.Generate(Path.Combine(folder, name));
        string Of(string name) => File.ReadAllText(Path.Combine(folder, name, ReleaseKey.PublicName));
        Assert.Equal("1.0", ReleaseFolder.Open(folder, Of("b") + "a comment\n" + publicKey + Of("c")).Version);
        Assert.Throws<ReleaseFormatException>(() => ReleaseFolder.Open(folder, Of("b") + Of("c")));
        Assert.Throws<ReleaseFormatException>(() => ReleaseFolder.Open(folder, ""));
        Assert.Throws<ReleaseFormatException>(() => ReleaseFolder.Open(folder, publicKey + string.Concat(names[2..].Select(Of))));
        Assert.Equal(P256.ReadPublicKeys(publicKey + Of("b")),
            P256.ReadPublicKeys(ReleaseKey.Write(P256.ReadPublicKeys(publicKey + Of("b")))));
    }

    [Fact]
    public void A_release_is_signed_anew_only_when_all_of_it_is_sound()
    {
        Build();
        ReleaseKey.Generate(Path.Combine(folder, "b"));
        var (next, nextPublic) = (File.ReadAllText(Path.Combine(folder, "b", ReleaseKey.PrivateName)),
            File.ReadAllText(Path.Combine(folder, "b", ReleaseKey.PublicName)));
        Flip("worker.squashfs", 7);
        Assert.Contains("worker.squashfs", Assert.Throws<ReleaseFormatException>(
            () => ReleaseFolder.Sign(folder, publicKey, next, default)).Message, StringComparison.Ordinal);
        Flip("worker.squashfs", 7);
        Assert.Throws<ReleaseFormatException>(() => ReleaseFolder.Sign(folder, nextPublic, next, default));
        ReleaseFolder.Sign(folder, publicKey, next, default);
        Assert.Equal("1.0", ReleaseFolder.Open(folder, nextPublic).Version);
        Assert.Throws<ReleaseFormatException>(() => ReleaseFolder.Open(folder, publicKey));
    }

    [Theory]
    [InlineData("\"vmlinuz\"", "\"vmlinux\"", "vmlinuz")]
    [InlineData("\"initramfs.img\"", "\"initrd\"", "initramfs.img")]
    [InlineData("\"format\": 1", "\"format\": 2", "format 2")]
    [InlineData("\"chunkSize\": 262144", "\"chunkSize\": 0", "chunkSize")]
    [InlineData("\"file\": \"base.squashfs\"", "\"file\": \"../etc/passwd\"", "base.squashfs")]
    [InlineData("\"name\": \"node\"", "\"name\": \"base\"", "node.squashfs|base.squashfs")]
    [InlineData("\"worker\": [", "\"worker\": [\"nowhere\",", "worker")]
    public void A_bad_manifest_is_refused_and_named(string good, string bad, string named)
    {
        Build();
        var json = File.ReadAllText(Path.Combine(folder, ReleaseFolder.ManifestName)).Replace(good, bad, StringComparison.Ordinal);
        var e = Assert.Throws<ReleaseFormatException>(() => ReleaseManifest.Parse(Encoding.UTF8.GetBytes(json)));
        Assert.Matches(named, e.Message);
    }

    [Fact]
    public void Random_bytes_are_refused_without_a_crash() =>
        Gen.Byte.Array[0, 500].Sample(bytes =>
        {
            Assert.Throws<ReleaseFormatException>(() => ReleaseManifest.Parse(bytes));
            try { P256.ReadSignature(bytes); } catch (ReleaseFormatException) { }
        });

    [Theory]
    [InlineData("1.0", true)]
    [InlineData("2026.11-dev+1", true)]
    [InlineData("", false)]
    [InlineData(".hidden", false)]
    [InlineData("a/b", false)]
    [InlineData("a b", false)]
    public void Version_names(string version, bool valid) => Assert.Equal(valid, ReleaseManifest.IsVersion(version));

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private ReleaseManifest Build() => ReleaseFolder.Build(folder, "1.0", "1.0", "6.12.0-test", DateTimeOffset.UnixEpoch, key);

    private void Flip(string name, int position)
    {
        using var file = File.Open(Path.Combine(folder, name), FileMode.Open);
        file.Position = position;
        var value = file.ReadByte();
        file.Position = position;
        file.WriteByte((byte)(value ^ 0x40));
    }
}
