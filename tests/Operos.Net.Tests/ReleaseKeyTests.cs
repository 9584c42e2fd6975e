using System.Net;
using System.Net.Sockets;
using System.Text;
using Operos.Init.Fetch;
using Operos.Lab;
using Operos.Release;

namespace Operos.Net.Tests;

/// <summary>The key that signs releases: where builds keep it, and how a running controller's machines come to trust another.</summary>
[Collection(Lanes.Boot)]
public sealed class ReleaseKeyTests
{
    private const string Next = "9.9-next";

    [Fact]
    public async Task A_key_is_changed_under_a_running_controller()
    {
        await using var service = await BootService.StartAsync("off");
        var (build, first) = (new Build(), service.Version);
        await ControlAsync(build.Binary("operosctl"), "release", "keygen", "--dir", service.Folder["next"]);
        var (key, trusted) = (service.Folder["next/release.key"], service.Folder["next/release.pub"]);
        var next = Path.Combine(service.Controller.Releases, Next);
        await service.Controller.PublishAsync(Next, DateTimeOffset.UtcNow, default);
        await ControlAsync(build.Binary("operosctl"), "release", "sign", "--dir", next, "--trusted", build.ReleasePublicKey, "--key", key);
        await UntilCurrentAsync(first);
        // The controller's own boot partition, as images/disk.sh lays it out.
        var own = Directory.CreateDirectory(service.Folder[$"esp/operos/{first}"]).FullName;
        File.Copy(service.Folder["setup/anchor.cpio"], Path.Combine(own, "anchor.cpio"));

        Assert.Contains(first, await KeysAsync("list"), StringComparison.Ordinal);
        await KeysAsync("add", trusted);
        await UntilCurrentAsync(Next);
        var listed = (await KeysAsync("list")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal([first, Next], listed.Select(line => line.Split("  ")[1]));
        // Whoever boots now takes either release; a machine that boots the older one has the same initramfs as ever.
        var both = new ReleaseVerifier(Anchored(await FetchAnchorAsync()));
        foreach (var version in (string[])[first, Next]) Verify(both, version);
        Assert.Equal(await FetchAnchorAsync(), await File.ReadAllBytesAsync(Path.Combine(own, "anchor.cpio")));

        // The old key goes once nothing depends on it.
        var old = listed[0].Split(' ')[0];
        Assert.Contains("operosctl release sign", (await Assert.ThrowsAsync<LabException>(() => KeysAsync("remove", old))).Message,
            StringComparison.Ordinal);
        await ControlAsync(build.Binary("operosctl"), "release", "sign", "--dir", service.Controller.ReleaseFolder, "--trusted",
            build.ReleasePublicKey, "--key", key);
        await KeysAsync("remove", old);
        var alone = new ReleaseVerifier(Anchored(await FetchAnchorAsync()));
        foreach (var version in (string[])[first, Next]) Verify(alone, version);
        Assert.Throws<ReleaseFormatException>(() => Verify(new ReleaseVerifier(File.ReadAllText(build.ReleasePublicKey)), first));
        await UntilCurrentAsync(Next);
        Assert.Contains("the only key", (await Assert.ThrowsAsync<LabException>(
            () => KeysAsync("remove", listed[1].Split(' ')[0]))).Message, StringComparison.Ordinal);

        Task<string> KeysAsync(params string[] words) => ControlAsync(build.Binary("operos-controller"),
            ["release-keys", .. words, "--state", service.Folder["setup/state"], "--releases", service.Controller.Releases, "--esp",
                service.Folder["esp"]]);
        Task UntilCurrentAsync(string version) =>
            Wait.UntilAsync($"workers boot {version}", Worker.Soon,
                async () => Encoding.ASCII.GetString(await GetAsync("/releases/current")) == version + "\n", service.Controller.LogPath);
        Task<byte[]> FetchAnchorAsync() => GetAsync("/boot/anchor.cpio");
        void Verify(ReleaseVerifier verifier, string version) =>
            verifier.Verify(File.ReadAllBytes(Path.Combine(service.Controller.Releases, version, "release.json")),
                File.ReadAllBytes(Path.Combine(service.Controller.Releases, version, "release.json.sig")));
        Task<byte[]> GetAsync(string path) => Task.Run(() => service.Client.Run(() => Get(path)));
    }

    [Fact]
    public async Task A_build_s_key_is_made_once_outside_the_checkout_and_outlives_make_clean()
    {
        using var folder = LabFolder.Create(Path.Combine(new Build().Out, "test"), "net-release-key");
        foreach (var name in (string[])["agents", "proto", "tests", "images", "out/bin", "home"]) Directory.CreateDirectory(folder[name]);
        var root = Build.FindRoot();
        File.Copy(Path.Combine(root, "Makefile"), folder["Makefile"]);
        File.CreateSymbolicLink(folder["out/bin/operosctl"], new Build().Binary("operosctl"));
        var ask = $"env -u OPEROS_KEYS -u XDG_CONFIG_HOME HOME={folder["home"]} {root}/images/release-key.sh --out {folder["out"]}";
        // Two builds at once.
        var told = await Task.WhenAll(ControlAsync("sh", "-c", ask), ControlAsync("sh", "-c", ask));
        var keys = folder["home/.config/operos/keys"];
        Assert.Equal([keys, keys], told.Select(text => text.Trim()));
        var (secret, mode) = (await File.ReadAllTextAsync(Path.Combine(keys, "release.key")),
            File.GetUnixFileMode(Path.Combine(keys, "release.key")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, mode);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(keys));
        Assert.Equal((await ControlAsync("openssl", "ec", "-in", Path.Combine(keys, "release.key"), "-pubout")).Trim(),
            (await File.ReadAllTextAsync(Path.Combine(keys, "release.pub"))).Trim());
        Assert.DoesNotContain("PRIVATE KEY", await ControlAsync("grep", "-rhs", "PRIVATE KEY", folder["out"]), StringComparison.Ordinal);

        await ControlAsync("env", $"HOME={folder["home"]}", "make", "-C", folder.Path, "clean");
        Assert.False(Directory.Exists(folder["out"]));
        Assert.Equal(secret, await File.ReadAllTextAsync(Path.Combine(keys, "release.key")));
        // Another folder for another cluster's releases.
        Directory.CreateDirectory(folder["out/bin"]);
        File.CreateSymbolicLink(folder["out/bin/operosctl"], new Build().Binary("operosctl"));
        Assert.Equal(folder["other"], (await ControlAsync(
            "env", $"OPEROS_KEYS={folder["other"]}", Path.Combine(root, "images/release-key.sh"), "--out", folder["out"])).Trim());
        Assert.NotEqual(secret, await File.ReadAllTextAsync(folder["other/release.key"]));
    }

    private static Task<string> ControlAsync(string program, params string[] arguments) =>
        Shell.RunAsync(program, arguments, default, check: program != "grep");

    /// <summary>The keys in an anchor: text in a cpio without compression.</summary>
    private static string Anchored(byte[] archive)
    {
        var text = Encoding.ASCII.GetString(archive);
        return text[text.IndexOf("etc/operos/anchor/release.pub", StringComparison.Ordinal)..];
    }

    private static byte[] Get(string path)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 4000 };
        socket.Connect(new IPEndPoint(IPAddress.Parse(NativeController.Address), 7480));
        socket.Send(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
        using var answer = new MemoryStream();
        var buffer = new byte[1 << 16];
        for (int count; (count = socket.Receive(buffer)) > 0;) answer.Write(buffer, 0, count);
        var bytes = answer.ToArray();
        return bytes[(bytes.AsSpan().IndexOf("\r\n\r\n"u8) + 4)..];
    }
}
