namespace Operos.Names;

/// <summary>What names need of the objects of one kind.</summary>
internal sealed class ObjectNames<TNames>(Lock namesLock, Action changed)
{
    private bool told;

    /// <summary>Everything; the caller holds the lock.</summary>
    internal IReadOnlyList<TNames> All { get; private set; } = [];

    public void Replace(IReadOnlyList<TNames> all)
    {
        lock (namesLock) (All, told) = (all, true);
        changed();
    }

    /// <summary>What there was before, where nobody has told since; the caller holds the lock.</summary>
    internal void Restore(IReadOnlyList<TNames> before)
    {
        if (!told) All = before;
    }

    /// <summary>Nobody will tell of this kind who has not yet; the caller holds the lock.</summary>
    internal void Complete()
    {
        if (!told) All = [];
    }
}
