using Operos.Policy.Addresses;
using Operos.Policy.Cluster;
using Operos.Policy.Nftables;
using Operos.Policy.Policies;

namespace Operos.Policy.Compiling;

/// <summary>One run of the compiler.</summary>
internal sealed class Compilation
{
    /// <summary>What is told to an operator is bounded, whatever tenants write.</summary>
    private const int MostProblems = 1000;

    /// <summary>
    /// A packet that answers one that was allowed is allowed. Packets in the direction that a connection was opened in are judged each by
    /// itself, so that a policy that begins to deny ends connections too, and an address that changes hands takes none along.
    /// </summary>
    private static readonly string[] Replies = ["ct state related accept", "ct state established ct direction reply accept"];

    private readonly Dictionary<string, NftChain> chains = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SortedSet<string>> origins = new(StringComparer.Ordinal);
    private readonly Dictionary<(ObjectKey, Direction), string?> policyChains = [];
    private readonly Dictionary<string, NamespaceBudget> budgets = new(StringComparer.Ordinal);
    private readonly HashSet<string> usedSets = new(StringComparer.Ordinal);
    private readonly List<PolicyProblem> problems = [];
    private readonly ClusterView view;
    private readonly NodeView node;
    private readonly SetBook book;
    private readonly IReadOnlyList<PodEndpoint> local;
    private readonly IReadOnlyList<bool> families;

    public Compilation(ClusterView view, NodeView node)
    {
        (this.view, this.node) = (view, node);
        var owners = view.OwnersOfAddresses();
        book = new SetBook(view, owners);
        // By name, so that the same cluster gives the same ruleset and the same policies meet a limit.
        local = [.. owners.Values.Where(pod => pod.NodeName == node.Name).Distinct().OrderBy(pod => pod.Key)];
        families = [.. node.PodCidrs.Select(range => range.IsV6).Concat(local.SelectMany(book.AddressesOf).Select(address => address.IsV6))
            .Distinct().Order()];
    }

    public Ruleset Run()
    {
        foreach (var problem in view.Policies.SelectMany(policy => policy.Problems)) Tell(problem);
        foreach (var pod in view.Pods)
            foreach (var text in pod.BadAddresses)
                Tell(new PolicyProblem($"pod {pod.Key}", "status.podIPs",
                $"{PolicyProblem.Quote(text)} is no address of a pod; nobody can reach it"));
        Dictionary<string, string>[] ingress = [[], []], egress = [[], []];
        foreach (var pod in local)
        {
            var (toPod, fromPod) = (VerdictFor(pod, Direction.Ingress), VerdictFor(pod, Direction.Egress));
            foreach (var address in book.AddressesOf(pod))
            {
                ingress[address.IsV6 ? 1 : 0][book.TextOf(address)] = toPod;
                egress[address.IsV6 ? 1 : 0][book.TextOf(address)] = fromPod;
            }
        }
        AddBaseChains();
        // All four maps, always: then a pod of the first or last of a family is an element like any other.
        NftMap[] maps = [new("ingress4", "ipv4_addr", ingress[0]), new("ingress6", "ipv6_addr", ingress[1]),
            new("egress4", "ipv4_addr", egress[0]), new("egress6", "ipv6_addr", egress[1])];
        return new Ruleset(book.Named(usedSets), maps, chains.Values)
        {
            Problems = problems,
            Origins = origins.ToDictionary(origin =>
                origin.Key, origin => (IReadOnlyList<string>)[.. origin.Value], StringComparer.Ordinal),
        };
    }

    /// <summary>The two ways into the table. Egress is judged first, and what it accepts still meets ingress.</summary>
    private void AddBaseChains()
    {
        var own = new List<string>[] { [], [] };
        foreach (var isV6 in node.PodCidrs.Select(range => range.IsV6).Distinct())
        {
            var set = book.Blocks(AddressRange.Merge(node.PodCidrs.Where(range => range.IsV6 == isV6)), isV6);
            usedSets.Add(set);
            own[0].Add($"{(isV6 ? "ip6" : "ip")} saddr @{set} counter drop");
            own[1].Add($"{(isV6 ? "ip6" : "ip")} daddr @{set} counter drop");
        }
        List<string> from = ["ip saddr vmap @egress4", "ip6 saddr vmap @egress6", .. own[0]],
            to = ["ip daddr vmap @ingress4", "ip6 daddr vmap @ingress6", .. own[1]];
        if (node.PodInterfaces is not null)
        {
            // A pod that borrows another's address: the route to a pod's address is its own interface (ptp), and to any other none of
            // theirs.
            from.Insert(0, $"iifname \"{node.PodInterfaces}*\" fib saddr . iif oif missing counter drop");
            from.Add($"iifname \"{node.PodInterfaces}*\" counter drop");
            to.Add($"oifname \"{node.PodInterfaces}*\" counter drop");
        }
        AddChain("from-pods", "type filter hook forward priority filter; policy accept;", from);
        AddChain("to-pods", "type filter hook forward priority filter + 1; policy accept;", to);
    }

    /// <summary>What is done with a pod's packets: pods that the same policies isolate share a chain.</summary>
    private string VerdictFor(PodEndpoint pod, Direction direction)
    {
        var isolating = view.PoliciesOf(pod.Key.Namespace)
            .Where(policy => RulesOf(policy, direction) is not null && policy.Pods.Matches(pod.Labels)).ToList();
        if (isolating.Count == 0) return "accept";
        var jumps = isolating.Select(policy => ChainFor(policy, direction)).OfType<string>().Distinct().Order(StringComparer.Ordinal);
        // A chain that fell through would meet the base chain's last rules too: nothing is left open while a transaction comes into force.
        var name = AddChain("pod", null, [.. Replies, .. jumps.Select(chain => $"jump {chain}"), "counter drop"]);
        foreach (var policy in isolating) AddOrigin(name, policy);
        return $"jump {name}";
    }

    /// <returns>Null for a policy that allows nothing.</returns>
    private string? ChainFor(Policies.Policy policy, Direction direction)
    {
        if (policyChains.TryGetValue((policy.Key, direction), out var known)) return known;
        var name = MakeChain(policy, direction);
        if (name is not null) AddOrigin(name, policy);
        return policyChains[(policy.Key, direction)] = name;
    }

    private string? MakeChain(Policies.Policy policy, Direction direction)
    {
        var limits = view.Limits;
        var field = direction == Direction.Ingress ? "spec.ingress" : "spec.egress";
        var chain = PolicyChain.Make(RulesOf(policy, direction)!, direction, book, families,
            rule => AllowedOfNameServer(rule, direction), limits.RulesPerPolicy);
        if (chain is null)
        {
            Tell(new PolicyProblem(policy.Subject, field, $"gives more than {limits.RulesPerPolicy} rules; the policy allows nothing"));
            return null;
        }
        if (chain.Rules.Count == 0) return null;
        if (!budgets.TryGetValue(policy.Key.Namespace, out var budget))
            budgets[policy.Key.Namespace] = budget = new NamespaceBudget(limits.ElementsPerNamespace);
        if (!budget.TryTake(chain, book))
        {
            Tell(new PolicyProblem(policy.Subject, field,
                $"the policies of its namespace need more than {limits.ElementsPerNamespace} elements; this one allows nothing"));
            return null;
        }
        usedSets.UnionWith(chain.Sets);
        return AddChain(direction == Direction.Ingress ? "ingress" : "egress", null, chain.Rules);
    }

    /// <summary>It answers, and opens no connection to a pod.</summary>
    private IEnumerable<string> AllowedOfNameServer(Policies.PolicyRule rule, Direction direction) =>
        direction == Direction.Egress && node.NameServer is { } server && families.Contains(server.IsV6) ? server.Allowed(rule, view) : [];

    private string AddChain(string kind, string? hook, IReadOnlyList<string> rules)
    {
        var name = ContentName.Of(kind, $"{hook}\n{string.Join('\n', rules)}");
        chains.TryAdd(name, new NftChain(name, hook, rules));
        return name;
    }

    private void AddOrigin(string chain, Policies.Policy policy)
    {
        if (!origins.TryGetValue(chain, out var list)) origins[chain] = list = new SortedSet<string>(StringComparer.Ordinal);
        list.Add(policy.Key.ToString());
    }

    private void Tell(PolicyProblem problem)
    {
        if (problems.Count < MostProblems) problems.Add(problem);
    }

    private static IReadOnlyList<Policies.PolicyRule>? RulesOf(Policies.Policy policy, Direction direction) =>
        direction == Direction.Ingress ? policy.Ingress : policy.Egress;
}
