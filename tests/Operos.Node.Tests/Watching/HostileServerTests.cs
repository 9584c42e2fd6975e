using System.Diagnostics;
using Operos.Kubernetes;
using Operos.Kubernetes.Objects;
using Operos.Kubernetes.Watching;

namespace Operos.Node.Tests.Watching;

/// <summary>
/// A cache against a server that breaks the rules: what was known stays, what is wrong is told, and nothing grows without bound.
/// </summary>
public sealed class HostileServerTests
{
    private static readonly WatchTiming Quick = new()
    {
        ShortestWatch = TimeSpan.FromSeconds(1), LongestWatch = TimeSpan.FromSeconds(1), Grace = TimeSpan.FromSeconds(1),
        ShortestPause = TimeSpan.FromMilliseconds(20), LongestPause = TimeSpan.FromMilliseconds(100),
            Spread = TimeSpan.FromMilliseconds(20),
    };

    private const string Gone = """{"type":"ERROR","object":{"status":"Failure","reason":"Expired","message":"old","code":410}}""" + "\n";

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("7")]
    [InlineData("<html>502</html>")]
    [InlineData("""{"metadata":{"resourceVersion":"9"},"items":[{"metadata":{"name":"x"}}""")]
    [InlineData("""{"metadata":{"resourceVersion":"9"},"items":[null]}""")]
    [InlineData("""{"metadata":{"resourceVersion":"9"},"items":["x"]}""")]
    [InlineData("""{"metadata":{"resourceVersion":"9"},"items":[{"metadata":{"name":5}}]}""")]
    [InlineData("""{"metadata":{"resourceVersion":"9"},"items":[{"metadata":{}}]}""")]
    [InlineData("""{"metadata":{"resourceVersion":"9"},"items":[{}]}""")]
    [InlineData("""{"metadata":{},"items":[]}""")]
    [InlineData("""{"items":[]}""")]
    public async Task What_is_no_list_leaves_what_was_known_and_is_told(string body)
    {
        var lists = 0;
        using var server = new ScriptedServer(async (path, answer) =>
        {
            if (IsWatch(path)) await EndAsync(answer, Gone);
            else await answer.WholeAsync(Interlocked.Increment(ref lists) is var number && number is 2 or 3 ? body : List("8", "a", "b"));
        });
        await FollowAsync(server, new WatchOptions { Timing = Quick }, async cache =>
        {
            await UntilAsync("two answers that are no lists were told", () => Volatile.Read(ref lists) >= 3
                && cache.Snapshot.Problem is not null);
            Assert.Equal("a,b", Names(cache));
            await UntilAsync("it was listed again", () => cache.Lists.Count >= 2);
            // Nothing had changed, and so nobody was told of a change.
            Assert.Equal((1, "a,b"), (cache.Snapshot.Version, Names(cache)));
        });
    }

    [Fact]
    public async Task A_refusal_is_told_in_short_and_kept_whole()
    {
        var report = string.Concat(Enumerable.Range(0, 40).Select(check => $"[+]check-{check} ok\n")) + "[-]rbac failed: reason withheld\n";
        using var server = new ScriptedServer((_, answer) => answer.RefuseAsync(500, report));
        using var client = server.Client();
        var refused = await Assert.ThrowsAsync<ApiException>(() => client.GetTextAsync("/readyz", default));
        Assert.True(refused.Message.Length < 400, refused.Message);
        Assert.Equal(report, refused.Body);
    }

    [Fact]
    public async Task A_list_that_is_cut_off_leaves_what_was_known_and_is_asked_for_again()
    {
        var lists = 0;
        using var server = new ScriptedServer(async (path, answer) =>
        {
            if (IsWatch(path)) await EndAsync(answer, Gone);
            else if (Interlocked.Increment(ref lists) == 2) await answer.WholeAsync(List("9", "c"), missing: 100);
            else await answer.WholeAsync(lists == 1 ? List("8", "a", "b") : List("10", "b", "d"));
        });
        await FollowAsync(server, new WatchOptions { Timing = Quick }, async cache =>
        {
            await UntilAsync("it was listed again", () => cache.Lists.Count >= 2);
            Assert.Equal("b,d", Names(cache));
        });
    }

    [Fact]
    public async Task An_object_without_end_is_refused_before_it_fills_the_memory()
    {
        long most = 0;
        using var server = new ScriptedServer(async (path, answer) =>
        {
            await answer.BeginAsync();
            await answer.ChunkAsync("""{"metadata":{"resourceVersion":"9"},"items":[{"metadata":{"name":"x","labels":{"a":" """);
            try
            {
                while (answer.Sent < 256 << 20) await answer.ChunkAsync(new string('x', 1 << 16));
            }
            finally { most = Math.Max(most, answer.Sent); }
        });
        await FollowAsync(server, new WatchOptions { Timing = Quick, Limits = new WatchLimits { ObjectBytes = 1 << 20 } }, async cache =>
        {
            await UntilAsync("it is told", () =>
                cache.Snapshot.Problem?.Contains("more than 1048576 bytes", StringComparison.Ordinal) == true);
            await UntilAsync("the server was hung up on", () => most > 0);
        });
        // What is in the kernel's buffers counts too.
        Assert.True(most < 32 << 20, $"{most} bytes were taken");
    }

    [Fact]
    public async Task Objects_without_end_are_refused()
    {
        using var server = new ScriptedServer(async (path, answer) =>
        {
            await answer.BeginAsync();
            await answer.ChunkAsync("""{"metadata":{"resourceVersion":"9"},"items":[{"metadata":{"name":"x"}}""");
            for (var number = 0; ; number += 1000) await answer.ChunkAsync(string
                .Concat(Enumerable.Range(number, 1000).Select(name => $$$""",{"metadata":{"name":"x{{{name}}}"}}""")));
        });
        await FollowAsync(server, new WatchOptions { Timing = Quick, Limits = new WatchLimits { Objects = 10_000 } },
            cache => UntilAsync("it is told", () =>
                cache.Snapshot.Problem?.Contains("more than 10000 objects", StringComparison.Ordinal) == true));
    }

    [Fact]
    public async Task A_watch_that_says_nothing_for_ever_is_given_up_and_resumed_where_it_was()
    {
        using var server = new ScriptedServer(async (path, answer) =>
        {
            if (!IsWatch(path)) await answer.WholeAsync(List("8", "a"));
            else
            {
                await answer.BeginAsync();
                if (path.Contains("resourceVersion=8&", StringComparison.Ordinal)) await answer.ChunkAsync(Event("ADDED", "9", "b"));
                await answer.SilenceAsync();
            }
        });
        await FollowAsync(server, new WatchOptions { Timing = Quick }, async cache =>
        {
            await UntilAsync("it is told that nothing comes", () =>
                cache.Snapshot.Problem?.Contains("no answer within 2 s", StringComparison.Ordinal) == true);
            await UntilAsync("it watches again from there", () =>
                server.Asked.Count(path => path.Contains("resourceVersion=9&", StringComparison.Ordinal)) >= 1);
            Assert.Equal((1, "a,b"), (cache.Lists.Count, Names(cache)));
        });
    }

    [Fact]
    public async Task A_server_that_ends_each_watch_at_once_is_not_asked_in_a_loop()
    {
        using var server = new ScriptedServer(async (path, answer) =>
        {
            if (IsWatch(path)) await EndAsync(answer, "");
            else await answer.WholeAsync(List("8", "a"));
        });
        await FollowAsync(server, new WatchOptions(), async cache =>
        {
            await UntilAsync("it was listed", () => cache.Lists.Count == 1);
            await Task.Delay(3000);
            Assert.InRange(server.Asked.Count, 2, 15);
        });
    }

    [Fact]
    public async Task After_410_memory_is_asked_first_and_pages_only_where_that_is_too_old_itself()
    {
        using var server = new ScriptedServer(async (path, answer) =>
        {
            if (path.Contains("watch=true", StringComparison.Ordinal))
            {
                if (path.Contains("resourceVersion=8&", StringComparison.Ordinal)) await EndAsync(answer,
                    Event("ADDED", "9", "b") + Event("BOOKMARK", "12", null) + Gone);
                else if (path.Contains("resourceVersion=20&", StringComparison.Ordinal)) await EndAsync(answer, Gone);
                else await answer.SilenceAsync();
            }
            else if (path.EndsWith("?resourceVersion=0", StringComparison.Ordinal)) await answer.WholeAsync(List("8", "a"));
            else if (path.EndsWith("?resourceVersion=12", StringComparison.Ordinal)) await answer.WholeAsync(List("20", "a", "b"));
            else if (path.EndsWith("?limit=500", StringComparison.Ordinal)) await answer.WholeAsync(List("30", "a", "b").Replace("\"30\"",
                "\"30\",\"continue\":\"more/+\"", StringComparison.Ordinal));
            else await answer.WholeAsync(List("30", "c"));
        });
        await FollowAsync(server, new WatchOptions { Timing = Quick }, async cache =>
        {
            await UntilAsync("all pages are in", () => Names(cache) == "a,b,c");
            await UntilAsync("it is watched from there", () =>
                server.Asked.Any(path => path.Contains("resourceVersion=30&", StringComparison.Ordinal)));
            string[] lists = [.. server.Asked.Where(path => !IsWatch(path)).Select(path => path.Split('?')[1])];
            Assert.Equal(["resourceVersion=0", "resourceVersion=12", "limit=500", "limit=500&continue=more%2F%2B"], lists);
        });
    }

    [Theory]
    [InlineData("what is this?\n")]
    [InlineData("{\"type\":\"ADDED\"}\n")]
    [InlineData("{\"type\":\"ADDED\",\"object\":null}\n")]
    [InlineData("{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"x\"}}}\n")]
    [InlineData("{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":\"9\"}}}\n")]
    [InlineData("{\"type\":\"SURPRISE\",\"object\":{\"metadata\":{\"name\":\"x\",\"resourceVersion\":\"9\"}}}\n")]
    public async Task After_an_event_that_cannot_be_read_all_is_listed_again(string line)
    {
        var lists = 0;
        using var server = new ScriptedServer(async (path, answer) =>
        {
            if (!IsWatch(path)) await answer.WholeAsync(Interlocked.Increment(ref lists) == 1 ? List("8", "a") : List("20", "a", "b"));
            else if (path.Contains("resourceVersion=8&", StringComparison.Ordinal)) await EndAsync(answer, line);
            else await answer.SilenceAsync();
        });
        await FollowAsync(server, new WatchOptions { Timing = Quick }, cache => UntilAsync("all is known", () => Names(cache) == "a,b"));
    }

    private static bool IsWatch(string path) => path.Contains("watch=true", StringComparison.Ordinal);

    private static string List(string version, params IEnumerable<string> names) =>
        $$"""{"kind":"List","metadata":{"resourceVersion":"{{version}}"},"items":[""" + string.Join(',', names.Select(Object)) + "]}";

    private static string Object(string name) => $$$"""{"metadata":{"name":"{{{name}}}"}}""";

    private static string Event(string type, string version, string? name)
    {
        var named = name is null ? "" : $"\"name\":\"{name}\",";
        return $$$$"""{"type":"{{{{type}}}}","object":{"metadata":{{{{{named}}}}"resourceVersion":"{{{{version}}}}"}}}""" + "\n";
    }

    private static async Task EndAsync(ScriptedServer.Answer answer, string lines)
    {
        await answer.BeginAsync();
        if (lines.Length > 0) await answer.ChunkAsync(lines);
        await answer.ChunkAsync("");
    }

    private static string Names(WatchCache<NamespaceObject, string> cache) =>
        string.Join(',', cache.Snapshot.Items.Order(StringComparer.Ordinal));

    private static async Task FollowAsync(ScriptedServer server, WatchOptions options, Func<WatchCache<NamespaceObject, string>, Task> look)
    {
        using var client = server.Client();
        using var stop = new CancellationTokenSource();
        var cache = new WatchCache<NamespaceObject, string>(client, Resources.Namespaces, item => item.Metadata!.Name, options: options);
        var following = cache.RunAsync(stop.Token);
        try { await look(cache); }
        finally
        {
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => following);
        }
    }

    private static async Task UntilAsync(string what, Func<bool> holds)
    {
        for (var clock = Stopwatch.StartNew(); !holds(); await Task.Delay(5)) Assert.True(clock.Elapsed.TotalSeconds < 20,
            $"not within 20 s: {what}");
    }
}
