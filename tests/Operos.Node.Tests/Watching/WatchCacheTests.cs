using System.Diagnostics;
using System.Text.Json.Nodes;
using Operos.Kubernetes;
using Operos.Kubernetes.Objects;
using Operos.Kubernetes.Watching;
using Operos.Lab;
using Operos.Policy;
using Operos.Policy.Cluster;
using Operos.Policy.Nftables;

namespace Operos.Node.Tests.Watching;

/// <summary>A cache against a real API server and etcd: its restart, its compression, and what is news to whom.</summary>
public sealed class WatchCacheTests(BareCluster bare) : IClassFixture<BareCluster>
{
    private static readonly WatchTiming Quick = new() { ShortestPause = TimeSpan.FromMilliseconds(100),
        LongestPause = TimeSpan.FromMilliseconds(500), Spread = TimeSpan.FromMilliseconds(100) };

    private sealed record Labelled(string Name, string? App);

    [Fact]
    public async Task What_nobody_uses_is_no_news_and_a_restart_of_the_server_neither()
    {
        using var relay = bare.Relay();
        using var client = new ApiClient(bare.Server.AccessBy(relay.Port));
        var name = await bare.CreateNamespaceAsync();
        for (var number = 0; number < 150; number++) await bare.CreatePodAsync(name, $"p{number}", "web");
        var cache = new WatchCache<PodObject,
            Labelled>(client, Resources.Pods, pod => new Labelled(pod.Metadata!.Name!, pod.Metadata.Labels?.GetValueOrDefault("app")),
            options: new WatchOptions { Namespace = name, Timing = Quick });
        using var stop = new CancellationTokenSource();
        var (told, running) = (0, cache.RunAsync(stop.Token));
        var counting = CountAsync();

        await UntilAsync("all pods are known", () => cache.Snapshot.Items.Count == 150);
        // The server packs what is large: less than a third goes over the line, the TLS handshake included.
        Assert.True(relay.Received < cache.Lists.Bytes / 3, $"{relay.Received} bytes for {cache.Lists.Bytes} of JSON");
        await UntilAsync("the first change was told", () => Volatile.Read(ref told) == 1);

        for (var number = 0; number < 30; number++) await bare.BeatAsync(name, $"p{number}", number);
        var before = cache.LastSeen;
        await bare.LabelAsync(name, "p0", "db");
        await UntilAsync("the label is known", () => cache.Snapshot.Items.Any(pod => pod is { Name: "p0", App: "db" }));
        Assert.Equal(2, cache.Snapshot.Version);
        await UntilAsync("that one change was told", () => Volatile.Read(ref told) == 2);
        Assert.True(cache.LastSeen > before);

        var items = cache.Snapshot.Items;
        // Revisions go on without our pods: where the cache was is older than anything that the next server process knows.
        await bare.CreateNamespaceAsync();
        await bare.Server.KillAsync();
        await UntilAsync("it is told that the server is away", () => cache.Snapshot.Problem is not null);
        Assert.Same(items, cache.Snapshot.Items);
        before = cache.LastSeen;
        await bare.Server.StartAsync();
        await bare.LabelAsync(name, "p1", "db");
        await UntilAsync("what changed is known", () => cache.Snapshot.Problem is null
            && cache.Snapshot.Items.Count(pod => pod.App == "db") == 2);
        Assert.Equal((3, true), (cache.Snapshot.Version, cache.LastSeen > before));
        Assert.Equal(2, cache.Lists.Count);
        // A list again costs no memory: what did not change is the object that it was.
        Assert.Equal(149, cache.Snapshot.Items.Count(pod => items.Any(old => ReferenceEquals(old, pod))));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => counting);

        async Task CountAsync()
        {
            long version = 0;
            await foreach (var snapshot in cache.ChangesAsync(stop.Token))
            {
                if (snapshot.Version != version) Interlocked.Increment(ref told);
                version = snapshot.Version;
            }
        }
    }

    [Fact]
    public async Task Texts_that_repeat_are_kept_once()
    {
        using var client = new ApiClient(bare.Server.AccessBy(bare.Server.Port));
        var name = await bare.CreateNamespaceAsync();
        for (var number = 0; number < 20; number++) await bare.CreatePodAsync(name, $"p{number}", "web");
        var cache = new WatchCache<PodObject,
            ObjectMeta>(client, Resources.Pods, pod => pod.Metadata, options: new WatchOptions { Namespace = name, Timing = Quick });
        using var stop = new CancellationTokenSource();
        var running = cache.RunAsync(stop.Token);
        await UntilAsync("all pods are known", () => cache.Snapshot.Items.Count == 20);
        var (spaces, apps) = (Distinct(meta => meta.Namespace!), Distinct(meta => meta.Labels!["app"]!));
        // Names that fall on the same place of the table may have pushed one out, once or twice.
        Assert.InRange(spaces, 1, 3);
        Assert.InRange(apps, 1, 3);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);

        int Distinct(Func<ObjectMeta, string> text) =>
            cache.Snapshot.Items.Select(text).Distinct(ReferenceEqualityComparer.Instance).Count();
    }

    [Fact]
    public async Task Pods_that_only_beat_cause_no_compilation_of_policies()
    {
        using var client = new ApiClient(bare.Server.AccessBy(bare.Server.Port));
        var name = await bare.CreateNamespaceAsync();
        for (var number = 0; number < 10; number++) await bare.CreatePodAsync(name, $"p{number}", "web");
        using var applier = new RulesetApplier(["nsenter", $"--net=/run/netns/{bare.Namespace}", "nft"]);
        using var enforcer = new PolicyEnforcer(new NodeView("node-0", ["10.10.0.0/24"]), applier);
        var watch = new ClusterWatch(client, enforcer, options: new WatchOptions { Timing = Quick });
        using var stop = new CancellationTokenSource();
        Task[] running = [enforcer.RunAsync(stop.Token), .. watch.Works.Select(work => work.RunAsync(stop.Token))];
        await UntilAsync("the rules are in force", () => enforcer.State.InForceSince is not null);
        await SettledAsync();

        var before = enforcer.State.Compilations;
        for (var round = 0; round < 3; round++)
            for (var number = 0; number < 10; number++) await bare.BeatAsync(name, $"p{number}", round);
        await SettledAsync();
        Assert.Equal(before, enforcer.State.Compilations);

        await bare.LabelAsync(name, "p3", "db");
        await UntilAsync("what matters is compiled", () => enforcer.State.Compilations > before);
        Assert.Null(watch.Problem);
        Assert.InRange(DateTimeOffset.UtcNow - watch.LastSeen!.Value, TimeSpan.Zero, TimeSpan.FromMinutes(1));
        await stop.CancelAsync();
        foreach (var task in running) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => task);

        // What is on its way is compiled when one second brought nothing.
        async Task SettledAsync()
        {
            for (var last = -1L; last != enforcer.State.Compilations; await Task.Delay(1000)) last = enforcer.State.Compilations;
        }
    }

    private static async Task UntilAsync(string what, Func<bool> holds)
    {
        for (var clock = Stopwatch.StartNew(); !holds(); await Task.Delay(10)) Assert.True(clock.Elapsed.TotalSeconds < 60,
            $"not within 60 s: {what}");
    }
}

/// <summary>The API server that the tests of a class share, and a network namespace for rules.</summary>
public sealed class BareCluster : IAsyncLifetime
{
    private LabFolder folder = null!;
    private ApiClient client = null!;
    private int namespaces;

    public BareApiServer Server { get; private set; } = null!;

    public string Namespace { get; } = $"operos-watch-{Environment.ProcessId}";

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(new Build().HasKubernetes, "the layers are without Kubernetes");
        folder = LabFolder.Create(Path.Combine(new Build().Out, "test"), "bare-api-server");
        folder.NoteNamespace(Namespace);
        await Shell.RunAsync("ip", ["netns", "add", Namespace], default);
        Server = await BareApiServer.StartAsync(folder);
        client = new ApiClient(Server.AccessBy(Server.Port));
    }

    public ValueTask DisposeAsync()
    {
        client?.Dispose();
        Server?.Dispose();
        folder?.Dispose();
        return ValueTask.CompletedTask;
    }

    public Relay Relay() => new(() =>
    {
        var socket = new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
        socket.Connect(System.Net.IPAddress.Loopback, Server.Port);
        return socket;
    });

    public async Task<string> CreateNamespaceAsync()
    {
        var name = $"space-{++namespaces}";
        await client.CreateAsync("/api/v1/namespaces", new JsonObject { ["metadata"] = new JsonObject { ["name"] = name } }, default);
        return name;
    }

    public Task CreatePodAsync(string space, string name, string app) => client.CreateAsync(Resources.Pods.Path(space), new JsonObject
    {
        ["metadata"] = new JsonObject { ["name"] = name, ["labels"] = new JsonObject { ["app"] = app } },
        ["spec"] = new JsonObject
        {
            ["nodeName"] = "node-0",
            ["containers"] = new JsonArray(new JsonObject { ["name"] = "main", ["image"] = "registry.test/web:1",
                ["ports"] = new JsonArray(new JsonObject { ["containerPort"] = 8080 }) }),
        },
    }, default);

    public Task LabelAsync(string space, string name, string app) =>
        client.MergeAsync(Resources.Pods.Path(space, name),
            new JsonObject { ["metadata"] = new JsonObject { ["labels"] = new JsonObject { ["app"] = app } } }, default);

    /// <summary>A change of a pod that is nothing to policies and names, such as kubelets write all the time.</summary>
    public Task BeatAsync(string space, string name, int number) =>
        client.MergeAsync(Resources.Pods.Path(space, name) + "/status", new JsonObject
    {
        ["status"] = new JsonObject
        {
            ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = number % 2 == 0 ? "True" : "False",
                ["reason"] = $"Beat{number}" }),
        },
    }, default);
}
