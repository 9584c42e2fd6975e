using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Operos.Kubernetes.Objects;

namespace Operos.Kubernetes;

/// <summary>
/// Calls to one API server with a client certificate. Every failure is an <see cref="ApiException"/>; a cancelled call throws
/// <see cref="OperationCanceledException"/> and a slow one <see cref="ApiException"/>.
/// </summary>
public sealed class ApiClient : IDisposable
{
    private static readonly MediaTypeWithQualityHeaderValue Json = new("application/json");
    private readonly HttpClient http;
    private readonly TimeSpan timeout;

    public ApiClient(ApiAccess access)
    {
        Access = access;
        timeout = access.CallTimeout;
        var files = new CredentialFiles(access);
        http = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false, UseCookies = false, AllowAutoRedirect = false,
            // Packed, a list has a tenth of its size; the server packs large answers only.
            AutomaticDecompression = DecompressionMethods.GZip,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            // A renewed certificate is shown by the connections that follow.
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            ConnectCallback = ConnectAsync,
            SslOptions = new SslClientAuthenticationOptions
            {
                AllowTlsResume = false,
                LocalCertificateSelectionCallback = (_, _, _, _, _) => files.Certificate,
                RemoteCertificateValidationCallback = (_, shown, _, errors) => files.Vouch(shown, errors),
            },
        })
        { BaseAddress = access.Server, Timeout = Timeout.InfiniteTimeSpan };
        http.DefaultRequestHeaders.UserAgent.ParseAdd(access.Agent);
        http.DefaultRequestHeaders.Accept.Add(Json);
    }

    public ApiAccess Access { get; }

    public Task<T> GetAsync<T>(ResourceType<T> type, string? inNamespace, string name, CancellationToken cancellationToken) where T : class,
        IApiObject =>
        CallAsync(HttpMethod.Get, type.Path(inNamespace, name), null, type.Item, cancellationToken);

    /// <summary>The object, or null where there is none.</summary>
    public async Task<T?> FindAsync<T>(ResourceType<T> type, string? inNamespace, string name, CancellationToken cancellationToken) where T
        : class, IApiObject
    {
        try { return await GetAsync(type, inNamespace, name, cancellationToken).ConfigureAwait(false); }
        catch (ApiException e) when (e.Code == HttpStatusCode.NotFound) { return null; }
    }

    public async Task<IReadOnlyList<T>> ListAsync<T>(
        ResourceType<T> type, CancellationToken cancellationToken, string? inNamespace = null, string? labels = null, string? fields = null)
        where T : class, IApiObject =>
        (await CallAsync(HttpMethod.Get, type.Path(inNamespace) + Query(labels, fields), null, type.List, cancellationToken)
            .ConfigureAwait(false)).Items.Present().ToList();

    /// <summary>A text that the server answers, such as <c>/readyz</c>.</summary>
    public async Task<string> GetTextAsync(string path, CancellationToken cancellationToken)
    {
        using var deadline = Deadline(cancellationToken);
        return await GuardAsync(path, async token =>
        {
            using var response = await SendAsync(HttpMethod.Get, path, null, token).ConfigureAwait(false);
            return await response.Content.ReadAsStringAsync(token).ConfigureAwait(false);
        }, deadline.Token, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Any object by its path, as JSON; null where there is none.</summary>
    public async Task<JsonObject?> FindJsonAsync(string path, CancellationToken cancellationToken)
    {
        try { return await CallJsonAsync(HttpMethod.Get, path, null, "application/json", cancellationToken).ConfigureAwait(false); }
        catch (ApiException e) when (e.Code == HttpStatusCode.NotFound) { return null; }
    }

    /// <summary>POST: makes an object or asks for a subresource, such as an eviction.</summary>
    public Task<JsonObject?> CreateAsync(string path, JsonObject value, CancellationToken cancellationToken) =>
        CallJsonAsync(HttpMethod.Post, path, value, "application/json", cancellationToken);

    /// <summary>Server-side apply: the fields given become the manager's; what others own is taken over.</summary>
    public Task<JsonObject?> ApplyAsync(string path, JsonObject value, string fieldManager, CancellationToken cancellationToken) =>
        CallJsonAsync(HttpMethod.Patch, $"{path}?fieldManager={Uri.EscapeDataString(fieldManager)}&force=true", value,
            "application/apply-patch+yaml", cancellationToken);

    /// <summary>A merge patch (RFC 7386): null takes a field away.</summary>
    public Task<JsonObject?> MergeAsync(string path, JsonObject patch, CancellationToken cancellationToken) =>
        CallJsonAsync(HttpMethod.Patch, path, patch, "application/merge-patch+json", cancellationToken);

    /// <summary>Deletes an object with what depends on it; says whether there was one.</summary>
    public async Task<bool> DeleteAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            await CallJsonAsync(HttpMethod.Delete, path + "?propagationPolicy=Background", null, "application/json",
                cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (ApiException e) when (e.Code == HttpStatusCode.NotFound) { return false; }
    }

    /// <summary>
    /// Deletes a pod at once, whatever its kubelet does or does not: only where it is certain that nothing of it runs on, or counts.
    /// </summary>
    /// <param name="uid">Of the one that is meant: another of the same name stays.</param>
    /// <returns>Whether there was one.</returns>
    public async Task<bool> DeleteAtOnceAsync(string path, string uid, CancellationToken cancellationToken)
    {
        var options = new JsonObject
        {
            ["apiVersion"] = "v1", ["kind"] = "DeleteOptions", ["gracePeriodSeconds"] = 0,
            ["preconditions"] = new JsonObject { ["uid"] = uid },
        };
        try
        {
            await CallJsonAsync(HttpMethod.Delete, path, options, "application/json", cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (ApiException e) when (e.Code is HttpStatusCode.NotFound or HttpStatusCode.Conflict) { return false; }
    }

    public void Dispose() => http.Dispose();

    internal static string Query(string? labels, string? fields)
    {
        var parts = new List<string>();
        if (labels is not null) parts.Add("labelSelector=" + Uri.EscapeDataString(labels));
        if (fields is not null) parts.Add("fieldSelector=" + Uri.EscapeDataString(fields));
        return parts.Count == 0 ? "" : "?" + string.Join('&', parts);
    }

    internal async Task<T> CallAsync<T>(HttpMethod method, string path, HttpContent? content, JsonTypeInfo<T> type,
        CancellationToken cancellationToken)
    {
        using var deadline = Deadline(cancellationToken);
        return await GuardAsync(path, async token =>
        {
            using var response = await SendAsync(method, path, content, token).ConfigureAwait(false);
            await using var body = await response.Content.ReadAsStreamAsync(token).ConfigureAwait(false);
            return await JsonSerializer.DeserializeAsync(body, type, token).ConfigureAwait(false) ?? throw new JsonException("null");
        }, deadline.Token, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// An answer that is read while it comes. Its start is bound as any call's is, and the whole by <paramref name="longest"/>.
    /// </summary>
    internal async Task<T> StreamAsync<T>(string path, TimeSpan longest, Func<Stream, CancellationToken, Task<T>> read,
        CancellationToken cancellationToken)
    {
        using var whole = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        whole.CancelAfter(longest);
        using var start = Deadline(whole.Token);
        using var response = await GuardAsync(path, token => SendAsync(HttpMethod.Get, path, null, token), start.Token,
            cancellationToken).ConfigureAwait(false);
        return await GuardAsync(path, async token =>
        {
            await using var body = await response.Content.ReadAsStreamAsync(token).ConfigureAwait(false);
            return await read(body, token).ConfigureAwait(false);
        }, whole.Token, cancellationToken, longest).ConfigureAwait(false);
    }

    private async Task<JsonObject?> CallJsonAsync(HttpMethod method, string path, JsonObject? value, string mediaType,
        CancellationToken cancellationToken)
    {
        using var content = value is null ? null : new StringContent(value.ToJsonString(), new MediaTypeHeaderValue(mediaType));
        using var deadline = Deadline(cancellationToken);
        return await GuardAsync(path, async token =>
        {
            using var response = await SendAsync(method, path, content, token).ConfigureAwait(false);
            await using var body = await response.Content.ReadAsStreamAsync(token).ConfigureAwait(false);
            return await JsonNode.ParseAsync(body, cancellationToken: token).ConfigureAwait(false) as JsonObject;
        }, deadline.Token, cancellationToken).ConfigureAwait(false);
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, HttpContent? content, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        if (response.IsSuccessStatusCode) return response;
        using (response)
        {
            var text = await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
            throw Refusal(response.StatusCode, $"{method} {path.Split('?')[0]}", text);
        }
    }

    private static ApiException Refusal(HttpStatusCode code, string what, string text)
    {
        ApiStatus? status = null;
        try { status = JsonSerializer.Deserialize(text, ApiJson.Default.ApiStatus); }
        catch (JsonException) { }
        return new ApiException(code, status?.Reason,
            $"{what}: {status?.Message ?? $"{(int)code} {(text.Length > 300 ? text[..300] : text).Trim()}"}", text);
    }

    /// <summary>Tells the caller's cancellation from a deadline, and gives every failure one type.</summary>
    private async Task<T> GuardAsync<T>(string path, Func<CancellationToken, Task<T>> call, CancellationToken bounded,
        CancellationToken cancellationToken, TimeSpan? longest = null)
    {
        var where = $"{Access.Server.Authority}{path.Split('?')[0]}";
        var started = Stopwatch.GetTimestamp();
        try { return await call(bounded).ConfigureAwait(false); }
        // A connection has a bound of its own, which may be the shorter one.
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested) { throw new ApiException(
            $"{where}: no answer within {Math.Ceiling(Stopwatch.GetElapsedTime(started).TotalSeconds - 0.5):0} s", e); }
        catch (Exception e) when (e is HttpRequestException or IOException or SocketException or JsonException
            or InvalidDataException or InvalidOperationException)
        {
            throw new ApiException($"{where}: {(e as JsonException ?? e.InnerException ?? e).Message}", e);
        }
    }

    private CancellationTokenSource Deadline(CancellationToken cancellationToken)
    {
        var source = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        source.CancelAfter(timeout);
        return source;
    }

    /// <summary>A server that vanished without a word is noticed by the kernel: a watch may be silent for minutes.</summary>
    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 10);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 5);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 3);
            await socket.ConnectAsync(context.DnsEndPoint, cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
