namespace Operos.Kubernetes.Watching;

/// <summary>Which objects a cache follows, and how.</summary>
public sealed record WatchOptions
{
    /// <summary>Of this namespace only; null for all.</summary>
    public string? Namespace { get; init; }
    /// <summary>A label selector.</summary>
    public string? Labels { get; init; }
    /// <summary>A field selector, such as <c>status.phase!=Succeeded</c>.</summary>
    public string? Fields { get; init; }
    public WatchLimits Limits { get; init; } = new();
    public WatchTiming Timing { get; init; } = new();
}
