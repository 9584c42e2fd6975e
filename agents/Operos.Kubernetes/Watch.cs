using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;
using k8s;
using k8s.Models;

namespace Operos.Kubernetes;

/// <summary>
/// Follows the objects of a type: lists them, then watches from that version on; resumes where a watch ended, lists again where the
/// server has forgotten that version (410), and never gives up. Kubernetes API concepts, "Efficient detection of changes".
/// </summary>
public sealed class Watch<T>(ApiClient client, ResourceType<T> type, string? inNamespace = null, string? labels = null, string? fields = null) where T : class, IKubernetesObject<V1ObjectMeta>
{
    private const int MaxLine = 16 * 1024 * 1024, LeastSeconds = 240, MostSeconds = 480;
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(500), LongestPause = TimeSpan.FromSeconds(15);
    private string? version;

    /// <summary>Ends only by cancellation, with <see cref="OperationCanceledException"/>.</summary>
    public async IAsyncEnumerable<WatchChange<T>> FollowAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var pause = ShortestPause;
        while (true)
        {
            string? problem = null;
            await using (var changes = OnceAsync(cancellationToken).GetAsyncEnumerator(cancellationToken))
            {
                while (true)
                {
                    try { if (!await changes.MoveNextAsync().ConfigureAwait(false)) break; }
                    catch (ApiException e)
                    {
                        // Too old to resume: a new list says it all, and is no failure.
                        if (e.Code is HttpStatusCode.Gone || e.Reason is "Expired" or "Gone") version = null;
                        else problem = e.Message;
                        break;
                    }
                    pause = ShortestPause;
                    yield return changes.Current;
                }
            }
            if (problem is null && version is not null) continue;
            if (problem is not null) yield return new WatchChange<T>(WatchKind.Interrupted, [], problem);
            // Many watchers lose one server at the same time: they must not come back at the same time.
            await Task.Delay(pause * (0.5 + Random.Shared.NextDouble()), cancellationToken).ConfigureAwait(false);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    private async IAsyncEnumerable<WatchChange<T>> OnceAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var query = ApiClient.Query(labels, fields);
        if (version is null)
        {
            var list = await client.CallAsync(HttpMethod.Get, type.Path(inNamespace) + query, null, type.List, cancellationToken).ConfigureAwait(false);
            version = list.Metadata.ResourceVersion;
            yield return new WatchChange<T>(WatchKind.Listed, list.Items ?? []);
        }
        var path = $"{type.Path(inNamespace)}{query}{(query.Length == 0 ? '?' : '&')}watch=true&allowWatchBookmarks=true&resourceVersion={version}&timeoutSeconds={Random.Shared.Next(LeastSeconds, MostSeconds)}";
        using var response = await client.OpenAsync(path, cancellationToken).ConfigureAwait(false);
        var reader = PipeReader.Create(await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false));
        while (await ReadLineAsync(reader, cancellationToken).ConfigureAwait(false) is { } line)
            if (Read(line) is { } change) yield return change;
    }

    /// <summary>A line of the watch; null at its end.</summary>
    private static async Task<byte[]?> ReadLineAsync(PipeReader reader, CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult result;
            try { result = await reader.ReadAsync(cancellationToken).ConfigureAwait(false); }
            catch (Exception e) when (e is IOException or HttpRequestException) { throw new ApiException($"the watch broke off: {e.Message}", e); }
            if (result.Buffer.PositionOf((byte)'\n') is { } end)
            {
                var line = result.Buffer.Slice(0, end).ToArray();
                reader.AdvanceTo(result.Buffer.GetPosition(1, end));
                return line;
            }
            if (result.IsCompleted) return null;
            if (result.Buffer.Length > MaxLine) throw new ApiException(HttpStatusCode.InternalServerError, null, $"the watch sent over {MaxLine} bytes in one line");
            reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    private WatchChange<T>? Read(byte[] line)
    {
        try
        {
            var (kind, from, length) = Split(line);
            var body = line.AsSpan(from, length);
            if (kind == "ERROR")
            {
                var status = JsonSerializer.Deserialize(body, ApiJson.Default.ApiStatus)!;
                throw new ApiException((HttpStatusCode)status.Code, status.Reason, $"the watch of {type} ended: {status.Message}");
            }
            var value = JsonSerializer.Deserialize(body, type.Item) ?? throw new JsonException("null");
            version = value.Metadata.ResourceVersion;
            return kind switch { "ADDED" or "MODIFIED" => new(WatchKind.Changed, [value]), "DELETED" => new(WatchKind.Removed, [value]), _ => null };
        }
        catch (JsonException e)
        {
            // One unreadable change would be lost for good: all is read anew.
            version = null;
            throw new ApiException($"the watch of {type} sent what cannot be read: {e.Message}", e);
        }
    }

    /// <summary>The event's type, and where its object lies: read in place, for lines may be large.</summary>
    private static (string Kind, int From, int Length) Split(byte[] line)
    {
        var reader = new Utf8JsonReader(line);
        var (kind, from, length) = ("", 0, 0);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString();
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            if (name == "type") kind = reader.GetString() ?? "";
            reader.Skip();
            if (name == "object") (from, length) = (start, (int)reader.BytesConsumed - start);
        }
        return (kind, from, length);
    }
}
