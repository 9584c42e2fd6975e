namespace Operos.Hardware.Fingerprint;

/// <summary>How one component of a known machine and of a newcomer compares; either may have nothing of it.</summary>
/// <param name="Agreement">Of all values that either has, the part that both have, reckoned by the one that has more: 0 to 1.</param>
/// <param name="OnlyKnown">What the known machine has and the newcomer lacks; <paramref name="OnlyNewcomer"/> the other way round.</param>
public readonly record struct ComponentAgreement(
    Component Component, int Weight, double Agreement, IReadOnlyList<Evidence> Shared, IReadOnlyList<Evidence> OnlyKnown,
        IReadOnlyList<Evidence> OnlyNewcomer)
{
    /// <summary>The known machine had nothing of it: that speaks neither for nor against.</summary>
    public bool IsGained => Shared.Count == 0 && OnlyKnown.Count == 0;
}

/// <summary>
/// A newcomer's evidence against a known machine's, component by component. What the machine had and the newcomer has not, or has
/// another, counts against it as what they share counts for it.
/// </summary>
public sealed class Comparison
{
    /// <summary>As much as a NIC of two or a disk of two: one module of several may come from anywhere.</summary>
    private const double DoubtfulWeight = 12;

    private readonly double resemblance;

    public Comparison(IReadOnlyCollection<Evidence> known, IReadOnlyCollection<Evidence> newcomer)
    {
        Components = Compare(known.Where(item => !item.Suspect), newcomer.Where(item => !item.Suspect));
        Suspect = [.. known.Where(item => item.Suspect).Intersect(newcomer)];
        AgreeingWeight = Weigh(Components);
        ContradictingWeight = Components.Where(part => !part.IsGained).Sum(part => part.Weight * (1 - part.Agreement));
        resemblance = Weigh(Compare(known, newcomer));
    }

    /// <summary>Those of which either has evidence, without what is <see cref="Evidence.Suspect"/>.</summary>
    public IReadOnlyList<ComponentAgreement> Components { get; }

    /// <summary>What both have and what many have.</summary>
    public IReadOnlyList<Evidence> Suspect { get; }

    /// <summary>The sum of the weights that agree.</summary>
    public double AgreeingWeight { get; }

    /// <summary>The sum of the weights that do not, of what the known machine had.</summary>
    public double ContradictingWeight { get; }

    /// <summary>Of the weight that could agree, the part that does: 0 to 1.</summary>
    public double Share => AgreeingWeight + ContradictingWeight is > 0 and var possible ? AgreeingWeight / possible : 0;

    /// <summary>
    /// One component alone is believed only where nothing at all differs: it may be a part that moved, or a vendor's one serial for
    /// thousands.
    /// </summary>
    public bool IsSameMachine => Components.Count(component => component.Agreement > 0) switch
    {
        0 => false,
        1 => Components.All(component => component.Agreement == 1),
        _ => AgreeingWeight > ContradictingWeight,
    };

    /// <summary>Too much agrees for two machines, and too little for one.</summary>
    public bool IsDoubtful => !IsSameMachine && resemblance >= DoubtfulWeight;

    private static double Weigh(IEnumerable<ComponentAgreement> parts) => parts.Sum(part => part.Weight * part.Agreement);

    private static IReadOnlyList<ComponentAgreement> Compare(IEnumerable<Evidence> known, IEnumerable<Evidence> newcomer)
    {
        var (mine, theirs) = (known.ToLookup(item => item.Component), newcomer.ToLookup(item => item.Component));
        return
        [
            .. Enum.GetValues<Component>().Where(component => mine.Contains(component) || theirs.Contains(component))
                .Where(component => component != Component.Chassis || !(RepeatsBoard(mine) && RepeatsBoard(theirs)))
                .Select(component => Compare(component, [.. mine[component]], [.. theirs[component]])),
        ];
    }

    private static ComponentAgreement Compare(Component component, IReadOnlyList<Evidence> mine, IReadOnlyList<Evidence> theirs)
    {
        IReadOnlyList<Evidence> shared = [.. mine.Intersect(theirs)];
        var agreement = (double)shared.Count / Math.Max(mine.Count, theirs.Count);
        return new ComponentAgreement(component, EvidenceReader.WeightOf(component), agreement, shared, [.. mine.Except(shared)],
            [.. theirs.Except(shared)]);
    }

    /// <summary>Many vendors repeat the system's serial on the chassis. Where both machines' do, that is one label, not two.</summary>
    private static bool RepeatsBoard(ILookup<Component, Evidence> evidence) =>
        evidence[Component.Chassis].All(chassis => evidence[Component.Board].Any(board => Serial(board) == Serial(chassis)));

    /// <summary>What stands behind the maker's name.</summary>
    private static string Serial(Evidence item) => item.Value[(item.Value.LastIndexOf('/') + 1)..];
}
