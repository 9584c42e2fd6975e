using Operos.Hardware.Fingerprint;

namespace Operos.Controller.Machines;

/// <summary>Machines that an operator removed: whoever has their evidence comes back by an operator's word alone.</summary>
internal sealed class RemovedMachines
{
    /// <summary>The one that was removed first is forgotten when there are more.</summary>
    private const int Most = 4096;

    private readonly MachineStore store;
    private readonly Dictionary<string, DateTimeOffset> removed = new(StringComparer.Ordinal);
    private readonly MachineIndex index = new();
    /// <summary>By the SHA-256 of the key that it had; not of those that were removed before keys were kept.</summary>
    private readonly Dictionary<string, string> keys = new(StringComparer.Ordinal);
    // Whose evidence cannot be read is removed all the same.
    private readonly HashSet<string> unreadable;

    public RemovedMachines(MachineStore store)
    {
        this.store = store;
        foreach (var record in store.LoadAll()) Remember(record);
        Unreadable = store.Unreadable;
        unreadable = [.. Unreadable.Select(record => record.Id)];
    }

    public IReadOnlyList<UnreadableRecord> Unreadable { get; }

    /// <summary>Of all whose records can be read.</summary>
    public IReadOnlyCollection<string> Ids => removed.Keys;

    /// <summary>Whether a machine of that id was removed and none was admitted in its place.</summary>
    public bool Contains(string id) => removed.ContainsKey(id) || unreadable.Contains(id);

    public void Add(MachineRecord record)
    {
        if (removed.Count >= Most && !removed.ContainsKey(record.Id)) Forget(removed.MinBy(entry => entry.Value).Key);
        store.Save(record);
        Remember(record);
    }

    /// <summary>Those that a newcomer is, or may be, by its evidence.</summary>
    public IReadOnlyList<string> Find(IReadOnlyList<Evidence> newcomer) =>
        index.Resolve(newcomer) is { Resolution: not Resolution.New } answer ? answer.Candidates : [];

    /// <summary>
    /// Whether a newcomer is one of them, and not only somebody who has parts of one: it has the key. Where none was kept, the whole
    /// evidence tells.
    /// </summary>
    public bool Holds(string keyHash, IReadOnlyList<Evidence> newcomer) =>
        keys.ContainsKey(keyHash)
        || (index.Resolve(newcomer) is { Resolution: Resolution.Known, Candidates: [var id, ..] } && !keys.ContainsValue(id));

    public void Forget(string id)
    {
        if (!removed.Remove(id)) return;
        index.Remove(id);
        foreach (var key in keys.Where(key => key.Value == id).Select(key => key.Key).ToList()) keys.Remove(key);
        store.Delete(id);
    }

    private void Remember(MachineRecord record)
    {
        removed[record.Id] = record.LastSeen;
        if (record.KeyHash is { } key) keys[key] = record.Id;
        index.Set(record.Id, EvidenceReader.Read(record.Inventory));
    }
}
