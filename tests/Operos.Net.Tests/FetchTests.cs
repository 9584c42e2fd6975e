using System.Diagnostics;
using System.Net;
using System.Text;
using Operos.Init;
using Operos.Init.Fetch;
using Operos.Init.Progress;
using Operos.Lab;
using Operos.Release;
using Operos.Release.Publishing;

namespace Operos.Net.Tests;

/// <summary>PID 1's fetch of a release against servers that drop, lie, stall and change, over real sockets.</summary>
[Collection(Lanes.Clients)]
public sealed class FetchTests : IDisposable
{
    private const string Version = "1.0-test", Kernel = "6.12.0-test";
    private const int Chunk = ReleaseManifest.DefaultChunkSize;

    /// <summary>How a server's answer is wrong, for its first answers; what the fetch makes of it.</summary>
    /// <param name="Refused">Chunks that must have been refused for their content.</param>
    /// <param name="AtLeast">Seconds that it takes at least.</param>
    private sealed record Fault(string Name, Func<BootAnswer, BootAnswer> Change, int Refused = 0, int AtLeast = 0)
    {
        public override string ToString() => Name;
    }

    private static readonly Fault[] Faults =
    [
        new("drops in mid-chunk", answer => answer with { SendAtMost = 2 * Chunk + 1000 }),
        new("drops after its head", answer => answer with { SendAtMost = 100 }),
        new("drops before it answers", answer => answer with { SendAtMost = 0 }),
        new("another range", answer => answer.With("Content-Range", "bytes 7-4194310/9999999")),
        new("range of another file", answer => answer.With("Content-Range", answer.Headers["Content-Range"].Split('/')[0] + "/123")),
        new("too little", answer => (answer with { Body = answer.Body[1..] }).With("Content-Length", $"{answer.Body.Length - 1}")),
        new("too much", answer => (answer with { Body = [.. answer.Body, 1, 2, 3] }).With("Content-Length", $"{answer.Body.Length + 3}")),
        new("no Content-Range", answer => answer.With("Content-Range", null)),
        new("no Content-Length", answer => answer.With("Content-Length", null)),
        new("a length that is none", answer => answer.With("Content-Length", "-5")),
        new("a length beyond numbers", answer => answer.With("Content-Length", "99999999999999999999")),
        new("chunked", answer => answer.With("Transfer-Encoding", "chunked")),
        new("the whole with 200", answer => (answer with { Status = "200 OK" }).With("Content-Range", null)),
        new("500", answer => (answer with { Status = "500 Internal Server Error", Body = [] }).With("Content-Length", "0")),
        new("503", answer => (answer with { Status = "503 Service Unavailable", Body = [] }).With("Content-Length", "0")),
        new("no HTTP", answer => answer with { RawHead = "SSH-2.0-OpenSSH_9.9\r\n\r\n"u8.ToArray() }),
        new("an endless head", answer => answer with { RawHead =
            Encoding.ASCII.GetBytes("HTTP/1.1 206 OK\r\nX: " + new string('a', 100_000)) }),
        new("other bytes", answer => answer with { Body = [.. answer.Body.Select(value => (byte)~value)] }, Refused: 1),
        new("one bit", answer => answer with { Body = [.. answer.Body.Select(
            (value, index) => index == Chunk + 77 ? (byte)(value ^ 1) : value)] }, Refused: 1),
        new("silence of 10 s", answer => answer with { SendAtMost = Chunk + 1000, ThenSilent = true }, AtLeast: 9),
    ];

    private readonly string folder = Directory.CreateTempSubdirectory("operos-fetch-").FullName;
    private readonly ReleaseVerifier verifier;
    private readonly string key;

    public FetchTests()
    {
        ReleaseKey.Generate(Path.Combine(folder, "keys"));
        key = File.ReadAllText(Path.Combine(folder, "keys", ReleaseKey.PrivateName));
        verifier = new ReleaseVerifier(File.ReadAllText(Path.Combine(folder, "keys", ReleaseKey.PublicName)));
        Publish(Path.Combine(folder, "served"), seed: 1, key);
    }

    [Fact]
    public async Task Whatever_a_server_does_wrong_every_byte_arrives_once_it_does_right()
    {
        // All at once, each on a thread of its own: the silent one takes its 10 s, the others their pauses.
        await Task.WhenAll(Faults.Select(fault => Task.Factory.StartNew(() =>
        {
            using var server = new FaultyBootServer(Path.Combine(folder, "served"), fault.Change, faults: 6);
            var target = Directory.CreateDirectory(Path.Combine(folder, fault.Name)).FullName;
            var log = new BootLog();
            var clock = Stopwatch.StartNew();
            var release = Fetch(server, target, log);
            Assert.True(clock.Elapsed > TimeSpan.FromSeconds(fault.AtLeast) && clock.Elapsed < TimeSpan.FromSeconds(60),
                $"{fault}: {clock.Elapsed.TotalSeconds:0.0} s");
            Assert.True(log.Retries > 0, $"{fault}: it was not noticed");
            Assert.True(log.RefusedChunks >= fault.Refused && (fault.Refused > 0 || log.RefusedChunks == 0),
                $"{fault}: {log.RefusedChunks} chunks refused");
            foreach (var layer in release.Manifest.Layers)
                Assert.True(File.ReadAllBytes(Path.Combine(target, layer.File)).AsSpan()
                    .SequenceEqual(File.ReadAllBytes(Path.Combine(folder, "served/releases", Version, layer.File))),
                    $"{fault}: {layer.File} differs");
        }, default, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
    }

    [Fact]
    public void After_a_drop_only_what_is_missing_is_fetched()
    {
        // Only one request is for 16 chunks: it is cut, and what is asked for after it is not.
        using var server = new FaultyBootServer(Path.Combine(folder, "served"), answer => answer.Body.Length == 16 * Chunk
            ? answer with { SendAtMost = 2 * Chunk + 1000 } : answer, faults: int.MaxValue);
        Fetch(server, Directory.CreateDirectory(Path.Combine(folder, "resumed")).FullName, new BootLog());
        var (path, from, to) = server.Requests.Single(request => request.To - request.From + 1 == 16 * Chunk);
        var asked = server.Requests.Where(request => request.Path == path && request.From >= from && request.To <= to).ToList();
        Assert.Equal([(from, to), (from + 2 * Chunk, to)], asked.Select(request => (request.From, request.To)));
        // And everything else just once.
        Assert.Equal(server.Requests.Count - 2, server.Requests.Where(request => !asked.Contains(request)).Distinct().Count());
    }

    [Fact]
    public void A_release_that_was_replaced_or_removed_in_mid_fetch_is_noticed()
    {
        Publish(Path.Combine(folder, "newer"), seed: 2, key);
        Directory.CreateDirectory(Path.Combine(folder, "nothing"));
        foreach (var (now, says) in ((string, string)[])[
            ("newer", $"release {Version} was replaced on the server"), ("nothing", $"release {Version} is no longer on the server")])
        {
            FaultyBootServer? server = null;
            // From the first answer on the server has the other release.
            server = new FaultyBootServer(Path.Combine(folder, "served"), answer =>
            {
                server!.Folder = Path.Combine(folder, now);
                return answer with { SendAtMost = Chunk };
            }, faults: 4);
            using (server)
            {
                var changed = Assert.Throws<ReleaseChangedException>(
                    () => Fetch(server, Directory.CreateDirectory(Path.Combine(folder, "from-" + now)).FullName, new BootLog()));
                Assert.Equal(says, changed.Message);
                if (now == "nothing") continue;
                // Beginning again gives the other release.
                Fetch(server, Directory.CreateDirectory(Path.Combine(folder, "again")).FullName, new BootLog());
                Assert.Equal(File.ReadAllBytes(Path.Combine(folder, "newer/releases", Version, "node.squashfs")),
                    File.ReadAllBytes(Path.Combine(folder, "again/node.squashfs")));
            }
        }
    }

    [Fact]
    public void A_manifest_that_is_not_to_be_trusted_or_not_to_be_used_is_refused()
    {
        ReleaseKey.Generate(Path.Combine(folder, "other-keys"));
        var served = Publish(Path.Combine(folder, "foreign"), seed: 1,
            File.ReadAllText(Path.Combine(folder, "other-keys", ReleaseKey.PrivateName)));
        using var server = new FaultyBootServer(Path.Combine(folder, "foreign"), answer => answer, faults: 0);
        Assert.Contains("not signed by this cluster's release key",
            Assert.Throws<ReleaseFormatException>(() => Source(server).Fetch()).Message, StringComparison.Ordinal);
        File.WriteAllBytes(Path.Combine(served, "release.json.sig"), new byte[300]);
        Assert.Contains("300 bytes; at most 256", Assert.Throws<FetchException>(() => Source(server).Fetch()).Message,
            StringComparison.Ordinal);
        server.Folder = Path.Combine(folder, "served");
        Assert.Contains("is for kernel", Assert.Throws<BootException>(
            () => new ManifestFetch(server.Endpoint, Version, verifier, "6.1.0").Fetch()).Message, StringComparison.Ordinal);
        File.Delete(Path.Combine(folder, "served/releases", Version, "release.json"));
        Assert.Equal(404, Assert.Throws<HttpStatusException>(() => Source(server).Fetch()).Status);
    }

    [Fact]
    public async Task The_controller_s_own_server_may_go_and_come_back_and_change_its_release_in_mid_fetch()
    {
        await using var service = await BootService.StartAsync("off");
        var releaseKey = await File.ReadAllTextAsync(new Build().ReleaseKey);
        var stored = Publish(service.Folder.Path, seed: 1, releaseKey, baseMegabytes: 128);
        var source = new ManifestFetch(IPEndPoint.Parse($"{NativeController.Address}:7480"), Version,
            new ReleaseVerifier(await File.ReadAllTextAsync(service.Folder["setup/state/release.pub"])), Kernel);
        FetchedManifest? release = null;
        await Wait.UntilAsync("the controller serves the release", Worker.Soon, () => Task.FromResult(service.Client.Run(() =>
        {
            try { release = source.Fetch(); }
            catch (HttpStatusException) { }
            return release is not null;
        })), service.Controller.LogPath);

        var (log, problem) = await InterruptAsync(service, source, release!, () => { });
        Assert.True(problem is null, $"{problem}");
        Assert.True(log.Retries > 0, "the fetch was over before the controller was killed");
        Assert.Equal(await Sha256Async(Path.Combine(stored, "base.squashfs")), await Sha256Async(service.Folder["fetched/base.squashfs"]));

        (_, problem) = await InterruptAsync(service, source, release!, () =>
        {
            Directory.Delete(stored, recursive: true);
            Publish(service.Folder.Path, seed: 2, releaseKey);
        });
        Assert.Equal($"release {Version} was replaced on the server", Assert.IsType<ReleaseChangedException>(problem).Message);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>Kills the controller when the fetch has begun, and starts it again a second after something was done.</summary>
    private static async Task<(BootLog Log, Exception? Problem)> InterruptAsync(
        BootService service, ManifestFetch source, FetchedManifest release, Action meanwhile)
    {
        var log = new BootLog();
        var target = Directory.CreateDirectory(service.Folder["fetched"]).FullName;
        var fetch = new LayerFetch(IPEndPoint.Parse($"{NativeController.Address}:7480"), release, source, target, log);
        // A minute of fetching: whatever else this host does, the controller is killed in the midst of it.
        await service.Client.SlowDownAsync("20mbit");
        var running = Task.Run(() => service.Client.Run(() =>
        {
            fetch.Run(release.Manifest.Layers, new FetchProgress("fetch", "layers", release.Manifest.Layers.Sum(layer => layer.Size)));
            return 0;
        }));
        while (fetch.Fetched < 4 * Chunk && !running.IsCompleted) await Task.Delay(1);
        service.Controller.Kill();
        await service.Client.SlowDownAsync("1gbit");
        meanwhile();
        await Task.Delay(1000);
        await service.Controller.RunAsync(default);
        try { await running.WaitAsync(TimeSpan.FromSeconds(60)); }
        catch (Exception e) when (e is not TimeoutException) { return (log, e); }
        return (log, null);
    }

    private ManifestFetch Source(FaultyBootServer server) => new(server.Endpoint, Version, verifier, Kernel);

    private FetchedManifest Fetch(FaultyBootServer server, string target, BootLog log)
    {
        var release = Source(server).Fetch();
        new LayerFetch(server.Endpoint, release, Source(server), target, log)
            .Run(release.Manifest.Layers, new FetchProgress("fetch", "layers", release.Manifest.Layers.Sum(layer => layer.Size)));
        return release;
    }

    /// <summary>A release of random layers, each another number of chunks, below a server's folder.</summary>
    private static string Publish(string server, int seed, string key, int baseMegabytes = 5)
    {
        var release = Path.Combine(server, "releases", Version);
        Directory.CreateDirectory(release);
        var random = new Random(seed);
        foreach (var (name, size) in ((string, int)[])[("vmlinuz", 1000), ("initramfs.img", 1000), ("base.squashfs", baseMegabytes << 20),
            ("node.squashfs", Chunk * 3 + seed), ("worker.squashfs", 1), ("controller.squashfs", Chunk)])
        {
            using var file = File.Create(Path.Combine(release, name));
            var block = new byte[Math.Min(size, 1 << 20)];
            for (var left = size; left > 0; left -= block.Length)
            {
                random.NextBytes(block);
                file.Write(block.AsSpan(0, Math.Min(left, block.Length)));
            }
        }
        ReleaseFolder.Build(release, Version, Version, Kernel, DateTimeOffset.UnixEpoch.AddDays(seed), key);
        return release;
    }

    private static async Task<string> Sha256Async(string path)
    {
        await using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(await System.Security.Cryptography.SHA256.HashDataAsync(file));
    }
}
