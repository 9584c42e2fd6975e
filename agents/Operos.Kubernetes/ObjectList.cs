using System.Text.Json.Serialization;

namespace Operos.Kubernetes;

/// <summary>A list as the API server answers it; the items carry no kind of their own.</summary>
internal sealed record ObjectList<T>
{
    [JsonPropertyName("items")] public IReadOnlyList<T?>? Items { get; init; }
}

/// <summary>The API's <c>Status</c>: how it says no.</summary>
internal sealed record ApiStatus
{
    [JsonPropertyName("reason")] public string? Reason { get; init; }
    [JsonPropertyName("message")] public string? Message { get; init; }
    [JsonPropertyName("code")] public int Code { get; init; }
}
