using Operos.Controller.Configuration;
using Operos.Hardware.Fingerprint;
using Operos.Hardware.Inventories;

namespace Operos.Controller.Machines;

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
    private readonly Dictionary<string, UnreadableRecord> unreadable = new(StringComparer.Ordinal);

    public MachineRegistry(MachineStore store, AdmissionPolicy admission, int maxPending, TimeProvider time, int maxMachines = int.MaxValue)
    {
        (this.store, this.admission, this.maxMachines, this.time) = (store, admission, maxMachines, time);
        removed = new RemovedMachines(store.Below("removed"));
        waiting = new WaitingMachines(records, unreadable.ContainsKey, Forget, maxPending, time);
        foreach (var record in store.LoadAll()) Remember(record);
        foreach (var record in store.Unreadable) unreadable[record.Id] = record;
    }

    /// <summary>Raised after each change, with the registry locked: a listener only takes note.</summary>
    public event Action? Changed;

    /// <summary>Raised for each event of a machine's record, as <see cref="Changed"/> is.</summary>
    public event Action<MachineRecord, RecordedEvent>? Happened;

    public IReadOnlyList<MachineRecord> All
    {
        get { lock (recordsLock) return [.. records.Values]; }
    }

    public MachineRecord? Get(string id)
    {
        lock (recordsLock) return records.GetValueOrDefault(id);
    }

    /// <summary>Whether a newcomer is a machine that an operator removed.</summary>
    public bool WasRemoved(Newcomer newcomer)
    {
        var evidence = EvidenceReader.Read(newcomer.Inventory);
        lock (recordsLock) return removed.Holds(newcomer.KeyHash, evidence);
    }

    /// <summary>Machines whose records cannot be read, removed ones last. Their ids are nobody else's.</summary>
    public IReadOnlyList<UnreadableRecord> Unreadable
    {
        get { lock (recordsLock) return [.. unreadable.Values, .. removed.Unreadable]; }
    }

    /// <summary>Whether there is a machine of that id whose record cannot be read.</summary>
    public bool IsUnreadable(string id)
    {
        lock (recordsLock) return unreadable.ContainsKey(id);
    }

    /// <summary>Whether there is a machine of that id, were it one whose record cannot be read.</summary>
    public bool Knows(string id)
    {
        lock (recordsLock) return records.ContainsKey(id) || unreadable.ContainsKey(id);
    }

    /// <summary>Whether an operator took it out. One that is merely unknown was not: an older registry does not know it yet.</summary>
    public bool WasRemoved(string id)
    {
        lock (recordsLock) return !records.ContainsKey(id) && !unreadable.ContainsKey(id) && removed.Contains(id);
    }

    /// <summary>The ids of those that an operator took out (<see cref="WasRemoved(string)"/>).</summary>
    public IReadOnlyList<string> Removed
    {
        get { lock (recordsLock) return [.. removed.Ids.Where(WasRemoved)]; }
    }

    /// <summary>Finds by what an operator calls it: <see cref="MachineLookup"/>.</summary>
    /// <exception cref="RefusedException">None, several, or one whose record cannot be read.</exception>
    public MachineRecord Find(string machine)
    {
        lock (recordsLock)
        {
            if (unreadable.GetValueOrDefault(machine) is { } record)
                throw Refusal(RefusalKind.Conflict, $"the record of {machine} cannot be read", record.Reason);
            return MachineLookup.Find(records.Values, machine);
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
            var obstacle = (known.Resolution == Resolution.New ? Obstacle(newcomer, evidence) : known.Reason) ?? beside;
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
                SaysNode = newcomer.Node,
                Reason = obstacle ?? Remark(newcomer),
            }.With(now, (obstacle ?? Remark(newcomer)) is { } why ? $"asked to join: {why}" : "asked to join"));
        }
    }

    /// <summary>
    /// Records a boot of an admitted machine: its parts as they are now, its boot, its new certificate. Null where the machine is another's
    /// by now.
    /// </summary>
    /// <param name="token">SHA-256 of the secret that its disks are to carry from now on.</param>
    /// <param name="judge">Asked once more, of the record as it is now: of two that came at one time, one is the machine.</param>
    public MachineRecord? RecordBoot(string id, Newcomer newcomer, string certificateHash, DateTimeOffset expires, string token,
        Func<MachineRecord, Verdict> judge)
    {
        lock (recordsLock)
        {
            var now = time.GetUtcNow();
            if (!records.TryGetValue(id, out var record)) return null;
            var verdict = judge(record);
            if (verdict is not (Verdict.Admitted or Verdict.AdmittedWithAlarm)) return null;
            var wasOrdered = record.IsRebooting(now) ? record.RebootOrdered : null;
            foreach (var change in PartChanges(record.Inventory, newcomer.Inventory)) record = record.With(now, change);
            if (record.BootId != newcomer.BootId)
            {
                var ordered = wasOrdered is null ? "" : $", {wasOrdered}";
                record = record.With(now, $"booted, address {newcomer.Address}{ordered}") with { RebootUntil = null, RebootBy = null };
            }
            if (verdict == Verdict.AdmittedWithAlarm)
            {
                var why = wasOrdered is { } order ? $"a reboot that was ordered ({order})"
                    : "a boot that nobody ordered: it crashed or lost power";
                var unproved = record.Tokens?.Shown is null ? "" : ", and it did not show the secret of its disks";
                var alarm = $"came back at {newcomer.Address} by {why}{unproved}";
                record = record.With(now, alarm) with { Alarm = new RecordedEvent(now, alarm) };
            }
            return Put(record with
            {
                Inventory = newcomer.Inventory, BootRecord = newcomer.BootRecord ?? record.BootRecord, BootId = newcomer.BootId,
                Address = newcomer.Address,
                CertificateHash = certificateHash, CertificateExpires = expires, KeyHash = newcomer.KeyHash, LastSeen = now,
                Connected = false, Awaited = null,
                Tokens = (record.Tokens ?? new()).After(newcomer.Tokens, token, record.KeyHash == newcomer.KeyHash),
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

    /// <summary>Why records cannot be written, and since when; null while they can.</summary>
    public (string Text, DateTimeOffset Since)? Trouble { get; private set; }

    /// <summary>
    /// As <see cref="Update"/>, of what was merely seen of a machine: a disk that takes nothing keeps none from its session, and one that
    /// is unknown was removed meanwhile.
    /// </summary>
    public void Note(string id, Func<MachineRecord, MachineRecord> change)
    {
        lock (recordsLock)
        {
            if (!records.TryGetValue(id, out var before)) return;
            var record = change(before);
            try { Save(record); }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException) { Remember(record); }
            Tell(record, before.Events);
        }
    }

    /// <summary>Tells what the history is to have of a machine, and its own record, which has room for few, is not.</summary>
    public void Mention(string id, string happened)
    {
        lock (recordsLock)
            if (records.TryGetValue(id, out var record)) Happened?.Invoke(record, new RecordedEvent(time.GetUtcNow(), happened));
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
            if (records.TryGetValue(id, out var record))
            {
                // One that waits may be a node of before the registry was lost: it is told to end its pods, by its key.
                if (record.Standing == MachineStanding.Admitted || record.SaysNode is not null)
                    removed.Add(record with
                    {
                        LastSeen = time.GetUtcNow(), CertificateHash = null, Alarm = null, Claims = [], Awaited = null,
                    });
                Happened?.Invoke(record, new RecordedEvent(time.GetUtcNow(), "removed by an operator"));
            }
            Forget(id);
        }
    }

    /// <summary>The controller's own entry, by the same rules as any machine's.</summary>
    public MachineRecord RegisterSelf(Newcomer self)
    {
        lock (recordsLock)
        {
            var id = records.Values.FirstOrDefault(record => record.Kind == "controller")?.Id;
            if (id is null && MachineFingerprint.FirstUuid(self.Inventory) is { } own
                && unreadable.GetValueOrDefault(own) is { IsInPlace: true } record)
                throw Refusal(RefusalKind.Conflict, $"its record cannot be read: {record.Reason}", null);
            id ??= Admit(self, "set up as controller").Id;
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
    private string? Obstacle(Newcomer newcomer, IReadOnlyList<Evidence> evidence)
    {
        var id = MachineFingerprint.FirstUuid(newcomer.Inventory);
        if (id is not null && unreadable.GetValueOrDefault(id) is { } record)
            return $"it may be the machine {id}, whose record {record.File} cannot be read";
        if (removed.Find(evidence) is [var before, ..]) return $"an operator removed this machine or one whose parts it has ({before})";
        // Under the id that follows from its parts its pods would end.
        if (newcomer.Node != id && Remark(newcomer) is { } remark) return remark;
        return admission == AdmissionPolicy.Auto && admitted.Count >= maxMachines
            ? $"there are {admitted.Count} machines, and more than limits.max-machines come in by an operator's word alone" : null;
    }

    /// <summary>What an operator who lost the registry needs to know of a machine that waits.</summary>
    private string? Remark(Newcomer newcomer) => newcomer.Node is { } node && !records.ContainsKey(node)
        ? $"it says that it is node {node}, which this registry does not know, and that its pods run on" : null;

    private MachineRecord Settle(MachineRecord waits, string target, Newcomer newcomer)
    {
        Forget(waits.Id);
        // The operator was told which Node it says that it is: under another name its pods would end.
        var node = waits.Reason is not null && waits.Reason == Remark(newcomer) ? newcomer.Node : null;
        if (target == "new") return Admit(newcomer, "admitted as a new machine by an operator", node);
        if (!records.ContainsKey(target)) return Admit(newcomer, "admitted by an operator");
        var awaited = new AwaitedKey(newcomer.KeyHash, time.GetUtcNow() + Readmission.WordCounts);
        return Update(target, record => record with { Awaited = awaited }, "an operator said that a newcomer is this machine");
    }

    /// <param name="id">The id that it is to have; null for the one that follows from its parts, as where the id is another's.</param>
    private MachineRecord Admit(Newcomer newcomer, string how, string? id = null)
    {
        foreach (var before in removed.Find(EvidenceReader.Read(newcomer.Inventory))) removed.Forget(before);
        var attempt = 0;
        var first = id ?? MachineFingerprint.FirstUuid(newcomer.Inventory)
            ?? throw Refusal(RefusalKind.Conflict, "nothing identifies this machine", null);
        // Who may be a machine whose record is damaged comes by an operator's word, which gives it its id back; one that is in place stays.
        while (records.ContainsKey(first) || unreadable.GetValueOrDefault(first) is { IsInPlace: true })
            first = MachineFingerprint.FirstUuid(newcomer.Inventory, ++attempt)!;
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
        var before = records.GetValueOrDefault(record.Id)?.Events ?? [];
        Save(record);
        Tell(record, before);
        return record;
    }

    private void Tell(MachineRecord record, IReadOnlyList<RecordedEvent> before)
    {
        Changed?.Invoke();
        foreach (var happened in record.Events.Except(before)) Happened?.Invoke(record, happened);
    }

    private void Save(MachineRecord record)
    {
        try { store.Save(record); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (Trouble is null) store.NotSaved(record.Id, e.Message);
            Trouble = (e.Message, Trouble?.Since ?? time.GetUtcNow());
            throw;
        }
        Trouble = null;
        Remember(record);
    }

    private void Remember(MachineRecord record)
    {
        records[record.Id] = record;
        unreadable.Remove(record.Id);
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
