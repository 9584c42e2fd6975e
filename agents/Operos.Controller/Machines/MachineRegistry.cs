using Operos.Controller.Configuration;
using Operos.Hardware.Fingerprint;
using Operos.Hardware.Inventories;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Machines;

/// <summary>What a newcomer brings.</summary>
internal sealed record Newcomer(Inventory Inventory, string? BootRecord, string BootId, string Address);

/// <summary>
/// Every machine that was ever admitted, and those that wait. Decides who a newcomer is; two machines are never made one, and
/// one that is in doubt waits for an operator.
/// </summary>
internal sealed class MachineRegistry
{
    private readonly Lock gate = new();
    private readonly MachineStore store;
    private readonly TimeProvider time;
    private readonly AdmissionPolicy admission;
    private readonly int maxPending;
    private readonly Dictionary<string, MachineRecord> records = new(StringComparer.Ordinal);
    // Who waits must not weaken the evidence of who was admitted: only these are indexed.
    private readonly MachineIndex admitted = new();

    public MachineRegistry(MachineStore store, AdmissionPolicy admission, int maxPending, TimeProvider time)
    {
        (this.store, this.admission, this.maxPending, this.time) = (store, admission, maxPending, time);
        foreach (var record in store.LoadAll()) Remember(record);
    }

    /// <summary>Raised after each change, with the registry locked: a listener only takes note.</summary>
    public event Action? Changed;

    public IReadOnlyList<MachineRecord> All
    {
        get { lock (gate) return [.. records.Values]; }
    }

    public MachineRecord? Get(string id)
    {
        lock (gate) return records.GetValueOrDefault(id);
    }

    /// <summary>Finds by UUID, by a unique start of it, or by name.</summary>
    /// <exception cref="ControlFaultException">None, or several.</exception>
    public MachineRecord Find(string machine)
    {
        lock (gate)
        {
            var found = records.Values.Where(record => record.Id == machine || record.Name == machine).ToList();
            if (found.Count == 0 && machine.Length >= 4) found = [.. records.Values.Where(record => record.Id.StartsWith(machine, StringComparison.Ordinal))];
            return found.Count switch
            {
                1 => found[0],
                0 => throw Refusal(FaultCode.NotFound, $"no machine '{machine}'", "operosctl machines lists them; a start of the UUID needs 4 characters"),
                _ => throw Refusal(FaultCode.Conflict, $"'{machine}' may be {found.Count} machines", "give more of the UUID"),
            };
        }
    }

    /// <summary>Who a newcomer is; one that has to wait is remembered, within bounds.</summary>
    public MachineRecord Resolve(Newcomer newcomer)
    {
        var evidence = EvidenceReader.Read(newcomer.Inventory);
        lock (gate)
        {
            var known = admitted.Resolve(evidence);
            if (known.Resolution == Resolution.Known) return records[known.Candidates[0]];
            var id = WaitingId(newcomer, evidence);
            if (records.TryGetValue(id, out var waits))
            {
                // An operator's word settles the doubt, and only for this very evidence.
                if (waits.ResolvedAs is { } target) return Settle(waits, target, newcomer);
                if (waits.Standing is MachineStanding.Rejected or MachineStanding.Pending || known.Resolution == Resolution.Ambiguous) return waits;
            }
            if (known.Resolution == Resolution.New && admission == AdmissionPolicy.Auto) return Admit(newcomer, "admitted by the policy auto");
            MakeRoom();
            var now = time.GetUtcNow();
            return Put(new MachineRecord
            {
                Id = id,
                Standing = known.Resolution == Resolution.New ? MachineStanding.Pending : MachineStanding.Ambiguous,
                Inventory = newcomer.Inventory,
                Address = newcomer.Address,
                FirstSeen = now,
                LastSeen = now,
                Candidates = known.Candidates,
                Reason = known.Reason,
            }.With(now, known.Resolution == Resolution.New ? "asked to join" : $"asked to join: {known.Reason}"));
        }
    }

    /// <summary>Records a boot of an admitted machine: its parts as they are now, its boot, its new certificate.</summary>
    public MachineRecord RecordBoot(string id, Newcomer newcomer, string certificateHash, DateTimeOffset expires)
    {
        lock (gate)
        {
            var now = time.GetUtcNow();
            var record = records[id];
            foreach (var change in PartChanges(record.Inventory, newcomer.Inventory)) record = record.With(now, change);
            if (record.BootId != newcomer.BootId) record = record.With(now, $"booted, address {newcomer.Address}");
            return Put(record with
            {
                Inventory = newcomer.Inventory, BootRecord = newcomer.BootRecord ?? record.BootRecord, BootId = newcomer.BootId, Address = newcomer.Address,
                CertificateHash = certificateHash, CertificateExpires = expires, LastSeen = now,
            });
        }
    }

    public MachineRecord Update(string id, Func<MachineRecord, MachineRecord> change, string? happened = null)
    {
        lock (gate)
        {
            if (!records.TryGetValue(id, out var record)) throw Refusal(FaultCode.NotFound, $"no machine '{id}'", null);
            record = change(record);
            return Put(happened is null ? record : record.With(time.GetUtcNow(), happened));
        }
    }

    /// <summary>Gives a machine a name that no other has; an empty one takes it away.</summary>
    public MachineRecord Rename(string id, string name)
    {
        lock (gate)
        {
            if (name.Length > 0 && !IsLabel(name)) throw Refusal(FaultCode.BadRequest, $"'{name}' is no host name", "a-z, 0-9 and -, at most 63, neither first nor last a dash (RFC 1123)");
            if (name.Length > 0 && records.Values.FirstOrDefault(other => other.Name == name && other.Id != id) is { } taken)
                throw Refusal(FaultCode.Conflict, $"'{name}' is the name of {taken.Id}", "choose another, or rename that machine first");
            return Update(id, record => record with { Name = name.Length == 0 ? null : name }, name.Length == 0 ? "lost its name" : $"named {name}");
        }
    }

    /// <summary>Forgets a machine; it must be admitted again when it comes back.</summary>
    public void Remove(string id)
    {
        lock (gate)
        {
            if (!records.Remove(id)) return;
            admitted.Remove(id);
            store.Delete(id);
            Changed?.Invoke();
        }
    }

    /// <summary>The controller's own entry, by the same rules as any machine's.</summary>
    public MachineRecord RegisterSelf(Newcomer self)
    {
        lock (gate)
        {
            var id = records.Values.FirstOrDefault(record => record.Kind == "controller")?.Id ?? Admit(self, "set up as controller").Id;
            return Put(records[id] with { Kind = "controller", Inventory = self.Inventory, BootRecord = self.BootRecord, BootId = self.BootId, Address = self.Address, LastSeen = time.GetUtcNow() });
        }
    }

    internal static bool IsLabel(string name) =>
        name.Length is > 0 and <= 63 && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-') && name[0] != '-' && name[^1] != '-';

    private MachineRecord Settle(MachineRecord waits, string target, Newcomer newcomer)
    {
        Remove(waits.Id);
        if (target == "new") return Admit(newcomer, "admitted as a new machine by an operator");
        return records.ContainsKey(target) ? Update(target, record => record with { Inventory = newcomer.Inventory }, "an operator said that a newcomer is this machine") : Admit(newcomer, "admitted by an operator");
    }

    private MachineRecord Admit(Newcomer newcomer, string how)
    {
        var attempt = 0;
        var id = MachineFingerprint.FirstUuid(newcomer.Inventory) ?? throw Refusal(FaultCode.Conflict, "nothing identifies this machine", null);
        while (records.ContainsKey(id)) id = MachineFingerprint.FirstUuid(newcomer.Inventory, ++attempt)!;
        var now = time.GetUtcNow();
        return Put(new MachineRecord { Id = id, Standing = MachineStanding.Admitted, Inventory = newcomer.Inventory, Address = newcomer.Address, FirstSeen = now, LastSeen = now }.With(now, how));
    }

    /// <summary>The same newcomer waits under one id however often it asks.</summary>
    private static string WaitingId(Newcomer newcomer, IReadOnlyList<Evidence> evidence) =>
        evidence.Count > 0
            ? MachineFingerprint.FirstUuid(newcomer.Inventory, attempt: 1)!
            : MachineFingerprint.FirstUuid(new Inventory { System = new Identity { Serial = "unidentified " + newcomer.Address } })!;

    /// <summary>A flood of strangers pushes out the oldest strangers, never a machine that an operator has judged.</summary>
    private void MakeRoom()
    {
        var pending = records.Values.Where(record => record.Standing is MachineStanding.Pending or MachineStanding.Ambiguous).OrderBy(record => record.LastSeen).ToList();
        foreach (var record in pending.Take(pending.Count - maxPending + 1)) Remove(record.Id);
    }

    private MachineRecord Put(MachineRecord record)
    {
        store.Save(record);
        Remember(record);
        Changed?.Invoke();
        return record;
    }

    private void Remember(MachineRecord record)
    {
        records[record.Id] = record;
        if (record.Standing == MachineStanding.Admitted) admitted.Set(record.Id, EvidenceReader.Read(record.Inventory));
    }

    private static IEnumerable<string> PartChanges(Inventory before, Inventory after)
    {
        var old = EvidenceReader.Read(before);
        var now = EvidenceReader.Read(after);
        foreach (var item in old.Except(now).Take(8)) yield return $"{item.Kind} {item.Value} is gone";
        foreach (var item in now.Except(old).Take(8)) yield return $"{item.Kind} {item.Value} is new";
    }

    private static ControlFaultException Refusal(string code, string text, string? hint) => new(new Fault { Code = code, Text = text, Hint = hint });
}
