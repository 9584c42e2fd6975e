using System.Diagnostics.CodeAnalysis;

namespace Operos.Hardware.Fingerprint;

/// <summary>Who a newcomer is.</summary>
public enum Resolution
{
    /// <summary>A machine that is known.</summary>
    Known,
    /// <summary>One that was never seen.</summary>
    New,
    /// <summary>Two known machines claim the same evidence, one claims some of it, or nothing identifies it: an operator decides.</summary>
    Ambiguous,
}

/// <summary>The answer, with the machines that came into question, the likeliest first.</summary>
public sealed record ResolvedMachine(Resolution Resolution, IReadOnlyList<string> Candidates, string Reason);

/// <summary>The known machines' evidence, indexed by value: a lookup costs the newcomer's evidence, not the fleet.</summary>
public sealed class MachineIndex
{
    /// <summary>The likeliest machine must lead the next by this much of the share, or nobody can say which it is.</summary>
    private const double Margin = 0.15;

    /// <summary>More are of no use to an operator.</summary>
    private const int MaxCandidates = 8;

    private readonly Dictionary<string, IReadOnlyList<Evidence>> machines = new(StringComparer.Ordinal);
    private readonly Dictionary<Evidence, HashSet<string>> owners = [];

    public int Count => machines.Count;

    public bool Contains(string machine) => machines.ContainsKey(machine);

    /// <summary>Adds a machine or replaces what is known of it.</summary>
    public void Set(string machine, IReadOnlyList<Evidence> evidence)
    {
        Remove(machine);
        machines[machine] = evidence;
        foreach (var item in evidence)
        {
            if (!owners.TryGetValue(item, out var set)) owners[item] = set = [];
            set.Add(machine);
        }
    }

    public void Remove(string machine)
    {
        if (!machines.Remove(machine, out var evidence)) return;
        foreach (var item in evidence)
            if (TryGetOwners(item, out var set) && set.Remove(machine) && set.Count == 0) owners.Remove(item);
    }

    public ResolvedMachine Resolve(IReadOnlyList<Evidence> newcomer)
    {
        if (newcomer.Count == 0) return Doubt([], "nothing identifies this machine: its serials and addresses are blank or placeholders");
        // What two known machines have by now proves neither; it counts for nobody.
        var telling = newcomer.Where(item => !IsShared(item)).ToList();
        if (telling.Count == 0)
        {
            var all = newcomer.SelectMany(item => owners[item]).Distinct().Order(StringComparer.Ordinal);
            return Doubt(all, "all that would identify it stands in several known machines");
        }
        var candidates = telling.SelectMany(item => TryGetOwners(item, out var set) ? set : []).Distinct()
            .Select(machine => (Machine: machine, Comparison: Compare(machine, telling)))
            .OrderByDescending(candidate => candidate.Comparison.Share).ThenBy(candidate => candidate.Machine, StringComparer.Ordinal)
                .ToList();
        var likely = candidates.FirstOrDefault(candidate =>
            candidate.Comparison.IsSameMachine && IsAll(candidate.Machine, candidate.Comparison, newcomer));
        if (likely.Machine is not null)
        {
            var near = likely.Comparison.Share - Margin;
            var rival = candidates.FirstOrDefault(candidate =>
                candidate.Machine != likely.Machine && candidate.Comparison.Share > near).Machine;
            return rival is null
                ? new ResolvedMachine(Resolution.Known, [likely.Machine], $"{likely.Comparison.Share * 100:0} % of its evidence agrees")
                : Doubt([likely.Machine, rival], "two known machines claim the same evidence");
        }
        var doubtful = candidates.Where(candidate => candidate.Comparison.IsSameMachine || candidate.Comparison.IsDoubtful)
            .Select(candidate => candidate.Machine).ToList();
        if (doubtful.Count > 0) return Doubt(doubtful, "it has parts of a known machine, too many for another and too few for the same");
        return telling.All(item => item.Suspect)
            ? Doubt([], "nothing identifies this machine: what it has for serials looks invented")
            : new ResolvedMachine(Resolution.New, [], "no known machine shares enough with it");
    }

    /// <summary>What a controller that knows the first alone would say of the second.</summary>
    public static ResolvedMachine Resolve(IReadOnlyList<Evidence> known, IReadOnlyList<Evidence> newcomer)
    {
        var index = new MachineIndex();
        index.Set("the first", known);
        return index.Resolve(newcomer);
    }

    private Comparison Compare(string machine, List<Evidence> newcomer) =>
        new([.. machines[machine].Where(item => !IsShared(item))], newcomer);

    /// <summary>
    /// What several machines have counts for none of them. But where one component alone agrees beside it, whoever lacks it has a part of
    /// the machine's evidence, such as a MAC that the network hears.
    /// </summary>
    private bool IsAll(string machine, Comparison telling, IReadOnlyList<Evidence> newcomer) =>
        telling.Components.Count(component => component.Agreement > 0) > 1
        || new Comparison(machines[machine], newcomer).Components.All(component => component.Agreement == 1);

    private static ResolvedMachine Doubt(IEnumerable<string> candidates, string reason) =>
        new(Resolution.Ambiguous, [.. candidates.Take(MaxCandidates)], reason);

    private bool IsShared(Evidence item) => TryGetOwners(item, out var set) && set.Count > 1;

    private bool TryGetOwners(Evidence item, [NotNullWhen(true)] out HashSet<string>? set) => owners.TryGetValue(item, out set);
}
