namespace Operos.Kubernetes.Watching;

/// <summary>All objects of one moment, and whether the server still tells.</summary>
/// <param name="Items">Each object as it is kept, in no order; the same list until one of them changes.</param>
/// <param name="Version">Grows whenever an item changes, comes or goes; 0 before the first list.</param>
/// <param name="Problem">Why the server tells nothing now, in words; null while it does.</param>
public sealed record WatchSnapshot<T>(IReadOnlyList<T> Items, long Version, string? Problem)
{
    /// <summary>Whether all objects were told once: before, an absent one means nothing.</summary>
    public bool IsComplete => Version > 0;
}
