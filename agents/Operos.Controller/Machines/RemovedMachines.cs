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

    public RemovedMachines(MachineStore store)
    {
        this.store = store;
        foreach (var record in store.LoadAll()) Remember(record);
    }

    public void Add(MachineRecord record)
    {
        if (removed.Count >= Most && !removed.ContainsKey(record.Id)) Forget(removed.MinBy(entry => entry.Value).Key);
        store.Save(record);
        Remember(record);
    }

    /// <summary>Those that a newcomer is, or may be, by its evidence.</summary>
    public IReadOnlyList<string> Find(IReadOnlyList<Evidence> newcomer) =>
        index.Resolve(newcomer) is { Resolution: not Resolution.New } answer ? answer.Candidates : [];

    public void Forget(string id)
    {
        if (!removed.Remove(id)) return;
        index.Remove(id);
        store.Delete(id);
    }

    private void Remember(MachineRecord record)
    {
        removed[record.Id] = record.LastSeen;
        index.Set(record.Id, EvidenceReader.Read(record.Inventory));
    }
}
