using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Operos.Kubernetes.Objects;

namespace Operos.Kubernetes.Watching;

/// <summary>
/// The objects of a type as the API server has them, each kept as the few fields that somebody needs. Lists them, watches from there on,
/// resumes where a watch ended, lists again where the server has forgotten that place, and never gives up; while the server is away it
/// holds what was told last. Kubernetes API concepts, "Efficient detection of changes".
/// </summary>
/// <typeparam name="TObject">As the API writes it.</typeparam>
/// <typeparam name="TItem">As it is kept.</typeparam>
public sealed class WatchCache<TObject, TItem> where TObject : class, IApiObject where TItem : class
{
    /// <summary>A watch that ends sooner is not opened again at once: a server in trouble would be asked in a loop.</summary>
    private static readonly TimeSpan ShortWatch = TimeSpan.FromSeconds(2);
    private readonly ApiClient client;
    private readonly ResourceType<TObject> type;
    private readonly Func<TObject, TItem?> keep;
    private readonly Func<TItem, TItem, bool> same;
    private readonly WatchOptions options;
    private readonly TimeProvider time;
    private readonly JsonTypeInfo<TObject> decoder;
    private readonly Lock itemsLock = new();
    private Dictionary<Key, TItem> items = [];
    private WatchSnapshot<TItem> snapshot = new([], 0, null);
    private bool isSnapshotOld;
    private TaskCompletionSource changed = NewSignal();
    private DateTimeOffset? lastSeen;
    private (int Count, long Bytes) lists;

    // From here on only the task that follows the API reads and writes: without the lock.
    private Source? next = Source.Memory;
    private string? version;
    /// <summary>Whether there was no watch worth the name since the last list.</summary>
    private bool isFresh;
    private long listBytes;
    private TimeSpan pause;

    private readonly record struct Key(string? Namespace, string Name);

    /// <summary>Where a list comes from: what the server holds in memory, or etcd, in pages.</summary>
    private enum Source { Memory, Storage }

    /// <param name="keep">What is kept of an object; null where nothing is, as for one that nobody asks about. Must not throw.</param>
    /// <param name="same">Whether two are the same to whoever uses them: then there is no change; their own equality if not given.</param>
    public WatchCache(ApiClient client, ResourceType<TObject> type, Func<TObject, TItem?> keep, Func<TItem, TItem, bool>? same = null,
        WatchOptions? options = null, TimeProvider? time = null)
    {
        (this.client, this.type, this.keep) = (client, type, keep);
        this.same = same ?? EqualityComparer<TItem>.Default.Equals;
        (this.options, this.time) = (options ?? new WatchOptions(), time ?? TimeProvider.System);
        pause = this.options.Timing.ShortestPause;
        decoder = type.ItemOf(ApiJson.With(new StringTable()));
    }

    /// <summary>Everything as of now.</summary>
    public WatchSnapshot<TItem> Snapshot
    {
        get
        {
            lock (itemsLock)
            {
                if (isSnapshotOld) snapshot = snapshot with { Items = [.. items.Values] };
                isSnapshotOld = false;
                return snapshot;
            }
        }
    }

    /// <summary>When the server last told something, be it that nothing changed; null before it did.</summary>
    public DateTimeOffset? LastSeen
    {
        get { lock (itemsLock) return lastSeen; }
    }

    /// <summary>How often all objects were read, and how many bytes of JSON that were, unpacked.</summary>
    public (int Count, long Bytes) Lists
    {
        get { lock (itemsLock) return lists; }
    }

    /// <summary>
    /// The snapshot whenever an item changed, or the server went away or came back; at first when either is known. What follows quickly is
    /// told together.
    /// </summary>
    public async IAsyncEnumerable<WatchSnapshot<TItem>> ChangesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var told = new WatchSnapshot<TItem>([], 0, null);
        while (true)
        {
            Task signal;
            lock (itemsLock) signal = changed.Task;
            var now = Snapshot;
            if (now.Version != told.Version || now.Problem != told.Problem) yield return told = now;
            await signal.WaitAsync(cancellationToken).ConfigureAwait(false);
            await Task.Delay(options.Timing.Settle, time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Follows until cancelled, and ends by <see cref="OperationCanceledException"/> only.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                if (next is { } source) await ListAsync(source, cancellationToken).ConfigureAwait(false);
                var lasted = await WatchAsync(cancellationToken).ConfigureAwait(false);
                if (lasted < ShortWatch) await PauseAsync(options.Timing.ShortestPause, cancellationToken).ConfigureAwait(false);
            }
            catch (ApiException e) when (IsForgotten(e))
            {
                // From the server's memory first: all that lost the same server ask at the same time. Where even a new list from
                // there is too old to be watched, the next one comes from etcd.
                var again = next is not null || isFresh;
                next = again ? Source.Storage : Source.Memory;
                Tell($"the API server has forgotten what it told of {type}: all are listed again");
                if (again) await BackOffAsync(cancellationToken).ConfigureAwait(false);
                else await Task.Delay(options.Timing.SpreadOf(listBytes), time, cancellationToken).ConfigureAwait(false);
            }
            catch (ApiException e)
            {
                Tell(e.Message);
                await BackOffAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>410, or, of a list that must not be older than what was told: etcd was restored to a state before that.</summary>
    private bool IsForgotten(ApiException e) => e.Code is HttpStatusCode.Gone || e.Reason is "Expired" or "Gone"
        || (e.Code is HttpStatusCode.GatewayTimeout && next is Source.Memory && version is not null);

    private async Task BackOffAsync(CancellationToken cancellationToken)
    {
        var now = pause;
        pause = pause * 2 < options.Timing.LongestPause ? pause * 2 : options.Timing.LongestPause;
        await PauseAsync(now, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Many watchers lose one server at the same time: they must not come back at the same time.</summary>
    private Task PauseAsync(TimeSpan about, CancellationToken cancellationToken) =>
        Task.Delay(about * (0.5 + Random.Shared.NextDouble()), time, cancellationToken);

    private async Task ListAsync(Source source, CancellationToken cancellationToken)
    {
        // From memory a server ignores a limit; the version keeps one that is behind the others from telling what is older.
        var query = source == Source.Storage ? $"limit={options.Limits.PageObjects}" : $"resourceVersion={version ?? "0"}";
        var list = new ListInProgress(items, keep, same, options.Limits.Objects);
        long bytes = 0;
        string? at, more = null;
        do
        {
            (at, more, var read) = await client.StreamAsync(PathOf(more is null ? query
                : $"limit={options.Limits.PageObjects}&continue={Uri.EscapeDataString(more)}"),
                options.Timing.List, async (body, token) =>
                {
                    using var reader = new ObjectListReader<TObject>(decoder, options.Limits, list.Take);
                    await reader.ReadAsync(body, token).ConfigureAwait(false);
                    return (reader.ResourceVersion, reader.Continue, reader.Bytes);
                }, cancellationToken).ConfigureAwait(false);
            bytes += read;
        }
        while (!string.IsNullOrEmpty(more));
        (version, next, isFresh, listBytes) = (at, null, true, bytes);
        lock (itemsLock)
        {
            lists = (lists.Count + 1, lists.Bytes + bytes);
            items = list.Items;
            Saw(list.IsNews || snapshot.Version == 0, null);
        }
    }

    /// <summary>Watches once.</summary>
    /// <returns>How long, where it ended as the server does it.</returns>
    private async Task<TimeSpan> WatchAsync(CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        var timing = options.Timing;
        var seconds = Math.Max(1, Random.Shared.Next((int)timing.ShortestWatch.TotalSeconds, (int)timing.LongestWatch.TotalSeconds + 1));
        var path = PathOf($"watch=true&allowWatchBookmarks=true&resourceVersion={version}&timeoutSeconds={seconds}");
        try
        {
            return await client.StreamAsync(path, TimeSpan.FromSeconds(seconds) + timing.Grace, async (body, token) =>
            {
                Tell(null);
                using var lines = new WatchLineReader(body, options.Limits.ObjectBytes);
                while (await lines.ReadAsync(token).ConfigureAwait(false) is { } line) Take(WatchEvent<TObject>.Read(line.Span, decoder));
                return time.GetElapsedTime(began);
            }, cancellationToken).ConfigureAwait(false);
        }
        catch (ApiException e) when (e.InnerException is JsonException)
        {
            // One change that cannot be read would be lost for good.
            next = Source.Memory;
            throw;
        }
        finally
        {
            if (time.GetElapsedTime(began) >= ShortWatch) (isFresh, pause) = (false, timing.ShortestPause);
        }
    }

    private string PathOf(string query)
    {
        var selectors = ApiClient.Query(options.Labels, options.Fields);
        return $"{type.Path(options.Namespace)}{(selectors.Length == 0 ? "?" : selectors + "&")}{query}";
    }

    private void Take(WatchEvent<TObject> told)
    {
        if (told.Object.Metadata?.ResourceVersion is not { Length: > 0 } at) throw new JsonException("an event without a version");
        (version, isFresh, pause) = (at, false, options.Timing.ShortestPause);
        if (told.Kind == WatchEventKind.Bookmark)
        {
            lock (itemsLock) Saw(false, null);
            return;
        }
        var (key, item) = (KeyOf(told.Object), told.Kind == WatchEventKind.Put ? keep(told.Object) : null);
        lock (itemsLock)
        {
            var known = items.TryGetValue(key, out var old);
            if (item is null) items.Remove(key);
            else if (!known || !same(old!, item)) items[key] = item;
            else item = old;
            if (items.Count > options.Limits.Objects) throw TooMany(options.Limits.Objects);
            Saw(!ReferenceEquals(old, item), null);
        }
    }

    private void Tell(string? problem)
    {
        lock (itemsLock)
        {
            if (problem is null) Saw(false, null);
            else Show(false, problem);
        }
    }

    /// <summary>The server told something. The caller holds the lock.</summary>
    private void Saw(bool news, string? problem)
    {
        lastSeen = time.GetUtcNow();
        Show(news, problem);
    }

    private void Show(bool news, string? problem)
    {
        if (!news && snapshot.Problem == problem) return;
        snapshot = snapshot with { Version = snapshot.Version + (news ? 1 : 0), Problem = problem };
        isSnapshotOld |= news;
        changed.TrySetResult();
        changed = NewSignal();
    }

    private static Key KeyOf(TObject value) => value.Metadata is { Name.Length: > 0 } named ? new Key(named.Namespace, named.Name)
        : throw new JsonException("an object without a name");

    private static JsonException TooMany(int most) => new($"there are more than {most} objects");

    /// <summary>A list while it is read. What did not change stays the object that it was, so that a list again costs no memory.</summary>
    private sealed class ListInProgress(Dictionary<Key, TItem> before, Func<TObject, TItem?> keep, Func<TItem, TItem, bool> same, int most)
    {
        private bool differs;

        public Dictionary<Key, TItem> Items { get; } = new(before.Count);

        public bool IsNews => differs || Items.Count != before.Count;

        public void Take(TObject value)
        {
            var key = KeyOf(value);
            if (keep(value) is not { } item) return;
            if (before.TryGetValue(key, out var old) && same(old, item)) item = old;
            else differs = true;
            Items[key] = item;
            if (Items.Count > most) throw TooMany(most);
        }
    }
}
