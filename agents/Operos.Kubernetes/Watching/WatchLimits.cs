namespace Operos.Kubernetes.Watching;

/// <summary>What one server may make a cache hold and read; beyond, the answer is refused and what was known stays.</summary>
public sealed record WatchLimits
{
    /// <summary>JSON of one object. etcd takes requests of at most 1.5 MiB.</summary>
    public int ObjectBytes { get; init; } = 8 << 20;

    /// <summary>JSON of one list, unpacked.</summary>
    public long ListBytes { get; init; } = 4L << 30;

    /// <summary>Objects in the cache. Kubernetes itself is made for 150,000 pods.</summary>
    public int Objects { get; init; } = 300_000;

    /// <summary>Objects of a page, where a list is asked for in pages.</summary>
    public int PageObjects { get; init; } = 500;
}
