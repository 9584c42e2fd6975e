using Operos.Controller.Configuration;
using Operos.Hardware.Fingerprint;
using Operos.Hardware.Inventories;

namespace Operos.Controller.Machines;

/// <summary>What a newcomer brings: its inventory and boot id are claims.</summary>
internal sealed record Newcomer(Inventory Inventory, string? BootRecord, string BootId, string Address)
{
    /// <summary>SHA-256 of the public key that it proved to hold.</summary>
    public string KeyHash { get; init; } = "";
    /// <summary>
    /// What of its evidence it proved. No kind of proof is checked yet: a TPM's credential activation and a secret on its own disks will
    /// be.
    /// </summary>
    public IReadOnlyList<Evidence> Proven { get; init; } = [];
}

/// <summary>
/// Every machine that was ever admitted, and those that wait. Decides who a newcomer is; two machines are never made one, and
/// one that is in doubt waits for an operator.
/// </summary>
internal sealed class MachineRegistry
{
    private readonly Lock recordsLock = new();
    private readonly MachineStore store;
    private readonly TimeProvider time;
    private readonly AdmissionPolicy admission;
    private readonly int maxMachines;
    private readonly Dictionary<string, MachineRecord> records = new(StringComparer.Ordinal);
    // Who waits must not weaken the evidence of who was admitted: only these are indexed.
    private readonly MachineIndex admitted = new();
    private readonly RemovedMachines removed;
    private readonly WaitingMachines waiting;

    public MachineRegistry(MachineStore store, AdmissionPolicy admission, int maxPending, TimeProvider time, int maxMachines = int.MaxValue)
    {
        (this.store, this.admission, this.maxMachines, this.time) = (store, admission, maxMachines, time);
        removed = new RemovedMachines(store.Below("removed"));
        waiting = new WaitingMachines(records, Forget, maxPending, time);
        foreach (var record in store.LoadAll()) Remember(record);
    }

    /// <summary>Raised after each change, with the registry locked: a listener only takes note.</summary>
    public event Action? Changed;

    public IReadOnlyList<MachineRecord> All
    {
        get { lock (recordsLock) return [.. records.Values]; }
    }

    public MachineRecord? Get(string id)
    {
        lock (recordsLock) return records.GetValueOrDefault(id);
    }

    /// <summary>Finds by UUID, by a unique start of it, or by name.</summary>
    /// <exception cref="RefusedException">None, or several.</exception>
    public MachineRecord Find(string machine)
    {
        lock (recordsLock)
        {
            var found = records.Values.Where(record => record.Id == machine || record.Name == machine).ToList();
            if (found.Count == 0 && machine.Length >= 4)
                found = [.. records.Values.Where(record => record.Id.StartsWith(machine, StringComparison.Ordinal))];
            return found.Count switch
            {
                1 => found[0],
                0 => throw Refusal(RefusalKind.NotFound, $"no machine '{machine}'",
                    "operosctl machines lists them; a start of the UUID needs 4 characters"),
                _ => throw Refusal(RefusalKind.Conflict, $"'{machine}' may be {found.Count} machines", "give more of the UUID"),
            };
        }
    }

    /// <summary>Who a newcomer claims to be; one that has to wait is remembered, within bounds.</summary>
    public MachineRecord Resolve(Newcomer newcomer)
    {
        var evidence = EvidenceReader.Read(newcomer.Inventory);
        lock (recordsLock)
        {
            if (Settled(newcomer) is { } settled) return settled;
            var known = admitted.Resolve(evidence);
            if (known.Resolution == Resolution.Known) return records[known.Candidates[0]];
            var (id, twin) = waiting.PlaceOf(newcomer, evidence);
            var beside = twin is null ? null : $"{twin.Address} waits with the same evidence and another key";
            if (records.TryGetValue(id, out var waits))
            {
                // Who asks again is here; the silent make room first.
                records[id] = waits = waits with
                {
                    LastSeen = time.GetUtcNow(), KeyHash = newcomer.KeyHash, Address = newcomer.Address, Reason = waits.Reason ?? beside,
                };
                // An operator's word settles the doubt, and only for this very evidence and key.
                if (waits.ResolvedAs is { } target) return Settle(waits, target, newcomer);
                if (waits.Standing is MachineStanding.Rejected or MachineStanding.Pending || known.Resolution == Resolution.Ambiguous)
                    return waits;
            }
            var obstacle = (known.Resolution == Resolution.New ? Obstacle(evidence) : known.Reason) ?? beside;
            if (obstacle is null && admission == AdmissionPolicy.Auto)
            {
                Forget(id);
                return Admit(newcomer, "admitted by the policy auto");
            }
            waiting.MakeRoom();
            var now = time.GetUtcNow();
            return Put(new MachineRecord
            {
                Id = id,
                Standing = known.Resolution == Resolution.New ? MachineStanding.Pending : MachineStanding.Ambiguous,
                Inventory = newcomer.Inventory,
                KeyHash = newcomer.KeyHash,
                Address = newcomer.Address,
                FirstSeen = now,
                LastSeen = now,
                Candidates = known.Candidates,
                Reason = obstacle,
            }.With(now, obstacle is null ? "asked to join" : $"asked to join: {obstacle}"));
        }
    }

    /// <summary>
    /// Records a boot of an admitted machine: its parts as they are now, its boot, its new certificate. Null where the machine is another's
    /// by now.
    /// </summary>
    /// <param name="judge">Asked once more, of the record as it is now: of two that came at one time, one is the machine.</param>
    public MachineRecord? RecordBoot(string id, Newcomer newcomer, string certificateHash, DateTimeOffset expires,
        Func<MachineRecord, Verdict> judge)
    {
        lock (recordsLock)
        {
            var now = time.GetUtcNow();
            if (!records.TryGetValue(id, out var record)) return null;
            var verdict = judge(record);
            if (verdict is not (Verdict.Admitted or Verdict.AdmittedWithAlarm)) return null;
            foreach (var change in PartChanges(record.Inventory, newcomer.Inventory)) record = record.With(now, change);
            if (record.BootId != newcomer.BootId)
                record = record.With(now, $"booted, address {newcomer.Address}") with { RebootUntil = null };
            if (verdict == Verdict.AdmittedWithAlarm)
            {
                var alarm = $"came back at {newcomer.Address} by a boot that nobody ordered";
                record = record.With(now, alarm) with { Alarm = new RecordedEvent(now, alarm) };
            }
            return Put(record with
            {
                Inventory = newcomer.Inventory, BootRecord = newcomer.BootRecord ?? record.BootRecord, BootId = newcomer.BootId,
                Address = newcomer.Address,
                CertificateHash = certificateHash, CertificateExpires = expires, KeyHash = newcomer.KeyHash, LastSeen = now,
                Connected = false, Awaited = null,
                Claims = [.. record.Claims.Where(claim => claim.KeyHash != newcomer.KeyHash)],
            });
        }
    }

    /// <summary>A claim by its id, with the machine that it is on; null where there is none.</summary>
    public (MachineRecord Machine, Claim Claim)? FindClaim(string id)
    {
        lock (recordsLock)
        {
            foreach (var record in records.Values)
                if (record.Claims.FirstOrDefault(claim => claim.Id == id) is { } claim) return (record, claim);
            return null;
        }
    }

    public MachineRecord Update(string id, Func<MachineRecord, MachineRecord> change, string? happened = null)
    {
        lock (recordsLock)
        {
            if (!records.TryGetValue(id, out var record)) throw Refusal(RefusalKind.NotFound, $"no machine '{id}'", null);
            record = change(record);
            return Put(happened is null ? record : record.With(time.GetUtcNow(), happened));
        }
    }

    /// <summary>Gives a machine a name that no other has; an empty one takes it away.</summary>
    public MachineRecord Rename(string id, string name)
    {
        lock (recordsLock)
        {
            if (name.Length > 0 && !IsLabel(name))
                throw Refusal(RefusalKind.Invalid, $"'{name}' is no host name",
                "a-z, 0-9 and -, at most 63, neither first nor last a dash (RFC 1123)");
            if (name.Length > 0 && records.Values.FirstOrDefault(other => other.Name == name && other.Id != id) is { } taken)
                throw Refusal(RefusalKind.Conflict, $"'{name}' is the name of {taken.Id}", "choose another, or rename that machine first");
            return Update(id, record => record with { Name = name.Length == 0 ? null : name }, name.Length == 0
                ? "lost its name" : $"named {name}");
        }
    }

    /// <summary>Takes a machine out. One that was admitted comes back by an operator's word alone, whatever the policy.</summary>
    public void Remove(string id)
    {
        lock (recordsLock)
        {
            if (records.GetValueOrDefault(id) is { Standing: MachineStanding.Admitted } record)
                removed.Add(record with { LastSeen = time.GetUtcNow(), CertificateHash = null, KeyHash = null, Alarm = null, Claims = [],
                    Awaited = null });
            Forget(id);
        }
    }

    /// <summary>The controller's own entry, by the same rules as any machine's.</summary>
    public MachineRecord RegisterSelf(Newcomer self)
    {
        lock (recordsLock)
        {
            var id = records.Values.FirstOrDefault(record => record.Kind == "controller")?.Id ?? Admit(self, "set up as controller").Id;
            return Put(records[id] with { Kind = "controller", Inventory = self.Inventory, BootRecord = self.BootRecord,
                BootId = self.BootId, Address = self.Address, LastSeen = time.GetUtcNow() });
        }
    }

    internal static bool IsLabel(string name) =>
        name.Length is > 0 and <= 63 && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-') && name[0] != '-'
            && name[^1] != '-';

    /// <summary>The machine that an operator said the holder of this key to be; null where none said anything.</summary>
    private MachineRecord? Settled(Newcomer newcomer)
    {
        foreach (var record in records.Values)
        {
            if (record.Awaited is { } awaited && awaited.KeyHash == newcomer.KeyHash && awaited.Until > time.GetUtcNow()) return record;
            if (record.Claims.All(claim => claim.KeyHash != newcomer.KeyHash || !claim.IsNewMachine)) continue;
            Put(record with { Claims = [.. record.Claims.Where(claim => claim.KeyHash != newcomer.KeyHash)] });
            return Admit(newcomer, $"admitted as another machine than {record.Id} by an operator");
        }
        return null;
    }

    /// <summary>Why a machine that is none of the known ones waits even where none has to; null where nothing speaks against it.</summary>
    private string? Obstacle(IReadOnlyList<Evidence> evidence)
    {
        if (removed.Find(evidence) is [var before, ..]) return $"an operator removed this machine or one whose parts it has ({before})";
        return admission == AdmissionPolicy.Auto && admitted.Count >= maxMachines
            ? $"there are {admitted.Count} machines, and more than limits.max-machines come in by an operator's word alone" : null;
    }

    private MachineRecord Settle(MachineRecord waits, string target, Newcomer newcomer)
    {
        Forget(waits.Id);
        if (target == "new") return Admit(newcomer, "admitted as a new machine by an operator");
        if (!records.ContainsKey(target)) return Admit(newcomer, "admitted by an operator");
        var awaited = new AwaitedKey(newcomer.KeyHash, time.GetUtcNow() + Readmission.WordCounts);
        return Update(target, record => record with { Awaited = awaited }, "an operator said that a newcomer is this machine");
    }

    private MachineRecord Admit(Newcomer newcomer, string how)
    {
        foreach (var id in removed.Find(EvidenceReader.Read(newcomer.Inventory))) removed.Forget(id);
        var attempt = 0;
        var first = MachineFingerprint.FirstUuid(newcomer.Inventory)
            ?? throw Refusal(RefusalKind.Conflict, "nothing identifies this machine", null);
        while (records.ContainsKey(first)) first = MachineFingerprint.FirstUuid(newcomer.Inventory, ++attempt)!;
        var now = time.GetUtcNow();
        return Put(new MachineRecord
        {
            Id = first, Standing = MachineStanding.Admitted, Inventory = newcomer.Inventory, Address = newcomer.Address, FirstSeen = now,
            LastSeen = now,
            // From here on nobody else is it, also where its certificate never reaches it.
            KeyHash = newcomer.KeyHash.Length > 0 ? newcomer.KeyHash : null,
        }.With(now, how));
    }

    private void Forget(string id)
    {
        if (!records.Remove(id)) return;
        admitted.Remove(id);
        store.Delete(id);
        Changed?.Invoke();
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

    private static RefusedException Refusal(RefusalKind kind, string text, string? hint) => new(kind, text, hint);
}
