namespace Operos.Hardware.Fingerprint;

/// <summary>How one component of two inventories compares.</summary>
/// <param name="Agreement">Of the evidence that both could share, the part that they do: 0 to 1.</param>
/// <param name="OnlyLeft">What the first has and the second lacks; <paramref name="OnlyRight"/> the other way round.</param>
public readonly record struct ComponentAgreement(Component Component, int Weight, double Agreement, IReadOnlyList<Evidence> Shared, IReadOnlyList<Evidence> OnlyLeft, IReadOnlyList<Evidence> OnlyRight);

/// <summary>
/// Two machines' evidence, component by component. A component counts only where both have evidence for it, so that a blank
/// serial speaks neither for nor against.
/// </summary>
public sealed class Comparison
{
    /// <summary>From here on half of the components that could agree do: of two that weigh 25 and 20, the lighter one.</summary>
    private const double StrongShare = 0.44;

    /// <summary>A board changed with its NICs leaves 45 of 110 (disks and memory); disks moved elsewhere bring 25 of 110.</summary>
    private const double WeakShare = 0.3;
    private const double StrongWeight = 20, WeakWeight = 40;

    /// <summary>A changed machine has evidence of the same sorts as before; where most of it has no counterpart, little is compared.</summary>
    private const double ComparableShare = 0.6;

    /// <summary>Below this the machines have nothing to do with each other; disks moved elsewhere bring 25 of 130.</summary>
    private const double DoubtfulShare = 0.3, DoubtfulWeight = 10;

    private readonly bool isComparable;

    public Comparison(IReadOnlyCollection<Evidence> left, IReadOnlyCollection<Evidence> right)
    {
        Components = [.. Enum.GetValues<Component>().Select(component => Compare(component, left, right)).OfType<ComponentAgreement>()];
        AgreeingWeight = Components.Sum(component => component.Weight * component.Agreement);
        var possible = Components.Sum(component => component.Weight);
        Share = possible == 0 ? 0 : AgreeingWeight / possible;
        isComparable = possible >= ComparableShare * Math.Min(Strength(left), Strength(right));
    }

    public IReadOnlyList<ComponentAgreement> Components { get; }

    /// <summary>The sum of the weights that agree.</summary>
    public double AgreeingWeight { get; }

    /// <summary>Of the weight that could agree, the part that does: 0 to 1.</summary>
    public double Share { get; }

    public bool IsSameMachine => isComparable && ((Share >= StrongShare && AgreeingWeight >= StrongWeight) || (Share >= WeakShare && AgreeingWeight >= WeakWeight));

    /// <summary>Too much agrees for two machines, and too little for one: a board changed in a machine that has little else to be known by.</summary>
    public bool IsDoubtful => !IsSameMachine && Share >= DoubtfulShare && AgreeingWeight >= DoubtfulWeight;

    private static double Strength(IEnumerable<Evidence> evidence) => evidence.Select(item => item.Component).Distinct().Sum(EvidenceReader.WeightOf);

    private static ComponentAgreement? Compare(Component component, IReadOnlyCollection<Evidence> left, IReadOnlyCollection<Evidence> right)
    {
        var mine = left.Where(item => item.Component == component).ToList();
        var theirs = right.Where(item => item.Component == component).ToHashSet();
        if (mine.Count == 0 || theirs.Count == 0) return null;
        var shared = mine.Where(theirs.Contains).ToList();
        return new ComponentAgreement(component, EvidenceReader.WeightOf(component), (double)shared.Count / Math.Min(mine.Count, theirs.Count), shared, [.. mine.Except(shared)], [.. theirs.Except(shared)]);
    }
}
