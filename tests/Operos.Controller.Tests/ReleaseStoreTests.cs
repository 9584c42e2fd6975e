using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Operos.Controller.Boot;
using Operos.Release.Publishing;

namespace Operos.Controller.Tests;

/// <summary>What machines are given to boot: only what a trusted key signed and what is, byte for byte, what was signed.</summary>
public sealed class ReleaseStoreTests : IDisposable
{
    private const string Old = "1.0", New = "2.0";
    private readonly string folder = Directory.CreateTempSubdirectory("operos-store-").FullName;

    public ReleaseStoreTests()
    {
        MakeKey("a");
        MakeKey("b");
        Trust("a");
    }

    [Theory]
    [InlineData("vmlinuz")]
    [InlineData("initramfs.img")]
    [InlineData("base.squashfs")]
    [InlineData("controller.squashfs")]
    public void A_release_with_one_wrong_byte_is_never_current_until_it_is_mended(string file)
    {
        Publish(Old, days: 1);
        Publish(New, days: 2);
        Flip(New, file);
        var store = Open();
        Assert.Equal(Old, store.Current!.Manifest.Version);
        Assert.Null(store.Previous);
        Assert.Contains(file, store.Releases[0].Verification, StringComparison.Ordinal);
        Assert.Null(store.Find(New, file, out _));
        Assert.Null(Open(chosen: New).Current);

        Flip(New, file);
        store.Scan();
        Assert.Equal((New, Old), (store.Current!.Manifest.Version, store.Previous!.Manifest.Version));
        Assert.NotNull(store.Find(New, file, out _));
    }

    [Fact]
    public void What_is_damaged_later_is_said_and_what_nobody_else_checks_is_taken_away()
    {
        Publish(Old, days: 1);
        var store = Open();
        Flip(Old, "node.squashfs");
        store.Scan();
        // Machines refuse the chunk, and wait for it.
        Assert.Contains("node.squashfs", store.Current!.Verification, StringComparison.Ordinal);
        // A controller that starts with it does not begin to serve it.
        Assert.Null(Open().Current);
        Flip(Old, "node.squashfs");
        Flip(Old, "initramfs.img");
        store.Scan();
        Assert.Null(store.Current);
        Assert.Null(store.Find(Old, "vmlinuz", out _));
    }

    [Fact]
    public void What_the_boot_hashed_is_read_again_where_it_was_put_there_since()
    {
        Publish(Old, days: 1);
        var layer = Path.Combine(folder, "releases", Old, "base.squashfs");
        Flip(Old, "base.squashfs");
        Assert.Null(Open(hashed: [layer]).Current);
    }

    [Fact]
    public void Every_trusted_key_counts_and_a_change_of_them_takes_effect_at_the_next_look()
    {
        Publish(Old, days: 1);
        Publish(New, days: 2, key: "b");
        var store = Open();
        Assert.Equal(Old, Assert.Single(store.Releases).Manifest.Version);
        Trust("a", "b");
        store.Scan();
        Assert.Equal(New, store.Current!.Manifest.Version);
        Trust("b");
        store.Scan();
        Assert.Equal(New, Assert.Single(store.Releases).Manifest.Version);

        ReleaseFolder.Sign(Path.Combine(folder, "releases", Old), Public("a"), Private("b"), default);
        store.Scan();
        Assert.Equal(2, store.Releases.Count);
    }

    [Fact]
    public async Task All_releases_of_a_look_are_judged_by_the_same_keys()
    {
        Publish(Old, days: 1);
        Publish(New, days: 2, key: "b");
        // What is read from a pipe is read once; who reads it again waits for another writer.
        var trusted = Path.Combine(folder, "trusted.pub");
        var (a, b) = (Path.Combine(folder, "a", ReleaseKey.PublicName), Path.Combine(folder, "b", ReleaseKey.PublicName));
        File.Delete(trusted);
        using (var made = Process.Start("mkfifo", [trusted])) await made.WaitForExitAsync();
        using var writer = Process.Start("sh", ["-c", "cat \"$1\" \"$2\" > \"$3\"", "sh", a, b, trusted]);
        var store = await Task.Run(() => Open()).WaitAsync(TimeSpan.FromSeconds(10));
        await writer.WaitForExitAsync();
        Assert.Equal(2, store.Releases.Count);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private ReleaseStore Open(string? chosen = null, params HashSet<string> hashed)
    {
        var store = new ReleaseStore(Path.Combine(folder, "releases"), Path.Combine(folder, "trusted.pub"), chosen,
            NullLogger<ReleaseStore>.Instance, hashed);
        store.Scan();
        return store;
    }

    private void MakeKey(string name) => ReleaseKey.Generate(Path.Combine(folder, name));

    private string Public(string name) => File.ReadAllText(Path.Combine(folder, name, ReleaseKey.PublicName));

    private string Private(string name) => File.ReadAllText(Path.Combine(folder, name, ReleaseKey.PrivateName));

    private void Trust(params string[] names) =>
        File.WriteAllText(Path.Combine(folder, "trusted.pub"), string.Concat(names.Select(Public)));

    private void Publish(string version, int days, string key = "a")
    {
        var release = Directory.CreateDirectory(Path.Combine(folder, "releases", version)).FullName;
        string[] layers = ["base.squashfs", "node.squashfs", "worker.squashfs", "controller.squashfs"];
        foreach (var name in (string[])["vmlinuz", "initramfs.img", .. layers])
            File.WriteAllBytes(Path.Combine(release, name), [.. Enumerable.Range(0, 5000 + name.Length).Select(i => (byte)(i * days))]);
        ReleaseFolder.Build(release, version, version, "6.12.0-test", DateTimeOffset.UnixEpoch.AddDays(days), Private(key));
    }

    /// <summary>Of the same size, as a disk's error would be.</summary>
    private void Flip(string version, string name)
    {
        var path = Path.Combine(folder, "releases", version, name);
        var bytes = File.ReadAllBytes(path);
        bytes[2500] ^= 0x40;
        using var file = File.OpenWrite(path);
        file.Write(bytes);
    }
}
