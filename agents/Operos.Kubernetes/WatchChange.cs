namespace Operos.Kubernetes;

/// <summary>What a <see cref="Watch{T}"/> tells.</summary>
public enum WatchKind
{
    /// <summary>All objects as they are now: what is not among them is gone.</summary>
    Listed,
    /// <summary>One object is new or changed.</summary>
    Changed,
    /// <summary>One object is gone; its last state is given.</summary>
    Removed,
    /// <summary>The API server is not reached or refuses: what was told may be old. The watch goes on by itself.</summary>
    Interrupted,
}

/// <summary>A step from one state of the objects to the next.</summary>
/// <param name="Objects">All for <see cref="WatchKind.Listed"/>, the one for a change or removal, else empty.</param>
/// <param name="Problem">For <see cref="WatchKind.Interrupted"/>: why, in words.</param>
public sealed record WatchChange<T>(WatchKind Kind, IReadOnlyList<T> Objects, string? Problem = null);
