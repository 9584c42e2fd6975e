namespace Operos.Policy.Nftables;

/// <summary>How much a ruleset holds.</summary>
public readonly record struct RulesetSize(int Chains, int Rules, int Sets, int Elements)
{
    public override string ToString() => $"{Chains} chains, {Rules} rules, {Sets} sets, {Elements} elements";
}
