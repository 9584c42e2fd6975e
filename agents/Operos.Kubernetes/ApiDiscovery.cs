using System.Text.Json.Serialization;

namespace Operos.Kubernetes;

/// <summary>The server's version.</summary>
public sealed record ApiVersion
{
    [JsonPropertyName("gitVersion")] public string Text { get; init; } = "";
    [JsonPropertyName("major")] public string MajorText { get; init; } = "";
    [JsonPropertyName("minor")] public string MinorText { get; init; } = "";
}

/// <summary>A type of objects that the server has.</summary>
public sealed record ResourceInfo
{
    /// <summary>The plural, or <c>plural/subresource</c>.</summary>
    [JsonPropertyName("name")] public required string Name { get; init; }
    [JsonPropertyName("kind")] public required string Kind { get; init; }
    [JsonPropertyName("namespaced")] public bool Namespaced { get; init; }
    /// <summary>Of what a subresource takes, where it is of another group.</summary>
    [JsonPropertyName("group")] public string? Group { get; init; }
    [JsonPropertyName("version")] public string? Version { get; init; }
    [JsonPropertyName("verbs")] public IReadOnlyList<string> Verbs { get; init; } = [];
}

internal sealed record ResourceList
{
    [JsonPropertyName("resources")] public IReadOnlyList<ResourceInfo> Resources { get; init; } = [];
}

internal sealed record GroupList
{
    [JsonPropertyName("groups")] public IReadOnlyList<Group> Groups { get; init; } = [];

    internal sealed record Group
    {
        [JsonPropertyName("name")] public string Name { get; init; } = "";
        [JsonPropertyName("versions")] public IReadOnlyList<GroupVersion> Versions { get; init; } = [];
    }

    internal sealed record GroupVersion
    {
        [JsonPropertyName("groupVersion")] public string Name { get; init; } = "";
    }
}

/// <summary>
/// What a server offers, asked instead of assumed: 1.20 and current differ. Answers are kept; <see cref="Forget"/> asks anew.
/// </summary>
public sealed class ApiDiscovery(ApiClient client)
{
    private readonly System.Collections.Concurrent.ConcurrentDictionary<string, IReadOnlyList<ResourceInfo>> known =
        new(StringComparer.Ordinal);

    public Task<ApiVersion> VersionAsync(CancellationToken cancellationToken) =>
        client.CallAsync(HttpMethod.Get, "/version", null, ApiJson.Default.ApiVersion, cancellationToken);

    /// <summary>Every <c>group/version</c> that is served, and <c>v1</c>.</summary>
    public async Task<IReadOnlyList<string>> GroupVersionsAsync(CancellationToken cancellationToken) =>
        ["v1", .. (await client.CallAsync(HttpMethod.Get, "/apis", null, ApiJson.Default.GroupList, cancellationToken)
            .ConfigureAwait(false)).Groups.SelectMany(group => group.Versions).Select(version => version.Name)];

    /// <summary>The resources of an API version, such as <c>v1</c> or <c>apps/v1</c>; none where it is not served.</summary>
    public async Task<IReadOnlyList<ResourceInfo>> ResourcesAsync(string apiVersion, CancellationToken cancellationToken)
    {
        if (known.TryGetValue(apiVersion, out var answer)) return answer;
        try { answer = (await client.CallAsync(HttpMethod.Get, Prefix(apiVersion), null, ApiJson.Default.ResourceList,
            cancellationToken).ConfigureAwait(false)).Resources; }
        catch (ApiException e) when (e.Code == System.Net.HttpStatusCode.NotFound) { return []; }
        return known[apiVersion] = answer;
    }

    /// <summary>The resource of a kind; null where the server has none.</summary>
    public async Task<ResourceInfo?> FindAsync(string apiVersion, string kind, CancellationToken cancellationToken) =>
        (await ResourcesAsync(apiVersion, cancellationToken).ConfigureAwait(false))
            .FirstOrDefault(resource => resource.Kind == kind && !resource.Name.Contains('/', StringComparison.Ordinal));

    public void Forget() => known.Clear();

    /// <summary>The start of an API version's paths.</summary>
    public static string Prefix(string apiVersion) =>
        apiVersion.Contains('/', StringComparison.Ordinal) ? $"/apis/{apiVersion}" : $"/api/{apiVersion}";
}
