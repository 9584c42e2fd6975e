using Operos.Hardware.Fingerprint;
using Operos.Hardware.Inventories;

namespace Operos.Controller.Machines;

/// <summary>
/// Under which id a newcomer waits, and who makes room for it. An operator's word is for one machine: whoever has the same evidence and
/// another key waits under another id.
/// </summary>
/// <param name="records">The registry's, which is locked.</param>
/// <param name="isReserved">Whether an id is that of a machine whose record cannot be read.</param>
internal sealed class WaitingMachines(
    IReadOnlyDictionary<string, MachineRecord> records, Func<string, bool> isReserved, Action<string> forget, int most, TimeProvider time)
{
    /// <summary>With the same evidence.</summary>
    private const int MostAlike = 8;

    /// <summary>
    /// Who waits asks every few seconds, who was rejected every minute; who does not is gone, or boots anew with another key.
    /// </summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(30), SilenceOfJudged = TimeSpan.FromMinutes(3);

    /// <summary>Before that, nobody could ask this controller.</summary>
    private readonly DateTimeOffset started = time.GetUtcNow();

    /// <summary>The id under which it waits or would, however often it asks; never an admitted machine's.</summary>
    /// <returns>Also another that waits with the same evidence; null where there is none.</returns>
    public (string Id, MachineRecord? Twin) PlaceOf(Newcomer newcomer, IReadOnlyList<Evidence> evidence)
    {
        var inventory = evidence.Count > 0 ? newcomer.Inventory
            : new Inventory { System = new Identity { Serial = "unidentified " + newcomer.Address } };
        // The ids follow from the evidence, so those that are taken are of newcomers alike.
        var ids = Enumerable.Range(1, int.MaxValue).Select(attempt => MachineFingerprint.FirstUuid(inventory, attempt)!)
            .Where(id => records.GetValueOrDefault(id) is not { Standing: MachineStanding.Admitted } && !isReserved(id))
            .Take(MostAlike).ToList();
        var others = Alike().Where(known => known.KeyHash != newcomer.KeyHash && known.Standing != MachineStanding.Rejected);
        foreach (var gone in others.Where(IsSilent)) forget(gone.Id);
        var alike = Alike();
        // A rejected machine that boots anew is still rejected.
        var own = alike.Find(known => known.KeyHash == newcomer.KeyHash)
            ?? alike.Find(known => known.Standing == MachineStanding.Rejected && IsSilent(known));
        var twin = alike.Find(known => known != own);
        if (own is not null) return (own.Id, twin);
        if (ids.Find(id => !records.ContainsKey(id)) is { } free) return (free, twin);
        var leaves = Least(alike.Where(known => known.ResolvedAs is null)) ?? alike[0];
        forget(leaves.Id);
        return (leaves.Id, twin);

        List<MachineRecord> Alike() => [.. ids.Select(id => records.GetValueOrDefault(id)).OfType<MachineRecord>()];
    }

    /// <summary>
    /// Strangers push out strangers, never one that an operator has judged: of the network and the address that have most of them waiting,
    /// the one that was silent longest.
    /// </summary>
    public void MakeRoom()
    {
        List<MachineRecord> unjudged =
            [.. records.Values.Where(record =>
                record is { Standing: MachineStanding.Pending or MachineStanding.Ambiguous, ResolvedAs: null })];
        while (unjudged.Count >= most && Least(unjudged) is { } leaves)
        {
            unjudged.Remove(leaves);
            forget(leaves.Id);
        }
    }

    private static MachineRecord? Least(IEnumerable<MachineRecord> among) =>
        among.GroupBy(record => SourceNetwork.Of(record.Address)).MaxBy(network => network.Count())?
            .GroupBy(record => record.Address).MaxBy(address => address.Count())!.MinBy(record => record.LastSeen);

    private bool IsSilent(MachineRecord record)
    {
        var isJudged = record.Standing == MachineStanding.Rejected || record.ResolvedAs is not null;
        var last = record.LastSeen > started ? record.LastSeen : started;
        return time.GetUtcNow() - last > (isJudged ? SilenceOfJudged : Silence);
    }
}
