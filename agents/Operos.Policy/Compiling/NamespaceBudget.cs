namespace Operos.Policy.Compiling;

/// <summary>What a namespace's policies may still take of the kernel; sets that they share count once.</summary>
internal sealed class NamespaceBudget(int elements)
{
    private readonly HashSet<string> paid = new(StringComparer.Ordinal);
    private int left = elements;

    public bool TryTake(PolicyChain chain, SetBook book)
    {
        var fresh = chain.Sets.Where(set => !paid.Contains(set)).ToList();
        var cost = chain.Rules.Count + fresh.Sum(set => book[set].Elements.Count);
        if (cost > left) return false;
        left -= cost;
        paid.UnionWith(fresh);
        return true;
    }
}
