namespace Operos.Names;

/// <summary>What names need of the objects of one kind.</summary>
internal sealed class ObjectNames<TNames>(Lock namesLock, Action changed)
{
    /// <summary>Everything; the caller holds the lock.</summary>
    internal IReadOnlyList<TNames> All { get; private set; } = [];

    public void Replace(IReadOnlyList<TNames> all)
    {
        lock (namesLock) All = all;
        changed();
    }
}
