using CsCheck;
using Operos.Policy.Compiling;
using Operos.Policy.Nftables;
using Operos.Policy.Tests.Oracle;

namespace Operos.Policy.Tests;

/// <summary>What the compiled text does with packets is what the specification says, for random clusters.</summary>
public sealed class SemanticsTests
{
    [Fact]
    public void Compiled_rules_decide_as_the_specification_does()
    {
        var (allowed, denied) = (0L, 0L);
        Worlds.Any.Sample(world =>
        {
            foreach (var allows in Decide(world)) Interlocked.Increment(ref allows ? ref allowed : ref denied);
        }, iter: 400, threads: 2);
        // Both answers, and not by the way.
        Assert.True(allowed > 10_000 && denied > 10_000, $"{allowed} allowed, {denied} denied");
    }

    [Fact]
    public void Small_changes_lead_to_the_same_table_as_a_new_one()
    {
        var incremental = 0;
        Gen.Select(Worlds.Any, Worlds.Any, Gen.Int[0, 1000]).Sample((first, second, mix) =>
        {
            var kernel = new NftInterpreter();
            Ruleset? inForce = null;
            foreach (var world in Between(first, second, mix))
            {
                var next = PolicyCompiler.Compile(world.View(), world.NodeView);
                var transaction = inForce is null ? RulesetTransaction.Replacing(next) : RulesetTransaction.Between(inForce, next);
                if (!transaction.IsReplacement) Interlocked.Increment(ref incremental);
                kernel.Run(transaction.Text);
                var fresh = new NftInterpreter();
                fresh.Run(RulesetTransaction.Replacing(next).Text);
                Assert.Equal(fresh.Listing, kernel.Listing);
                Assert.Equal("", RulesetTransaction.Between(next, PolicyCompiler.Compile(world.View(), world.NodeView)).Text);
                inForce = next;
            }
        }, iter: 200, threads: 2);
        Assert.True(incremental > 600, $"{incremental} transactions were increments");
    }

    /// <summary>What specification and compiled text agree on, packet by packet.</summary>
    /// <exception cref="Xunit.Sdk.XunitException">They do not.</exception>
    internal static IEnumerable<bool> Decide(World world)
    {
        var kernel = new NftInterpreter();
        kernel.Run(RulesetTransaction.Replacing(PolicyCompiler.Compile(world.View(), world.NodeView)).Text);
        foreach (var packet in Worlds.Packets(world))
        {
            var expected = KubernetesOracle.Allows(world, packet);
            if (kernel.Accepts(packet, address => IsLocal(world, address)) != expected)
                throw new Xunit.Sdk.XunitException($"{packet}: the specification says {(expected ? "allow" : "deny")}\n{Describe(world)}");
            yield return expected;
        }
    }

    /// <summary>Steps from one cluster to another: pods, policies and namespaces come, go and change.</summary>
    internal static IEnumerable<World> Between(World first, World second, int mix)
    {
        yield return first;
        yield return first with { Pods = [.. first.Pods.Skip(mix % 3)] };
        yield return first with { Pods = [.. first.Pods.Select(
            (pod, i) => i == mix % 5 ? pod with { Metadata = pod.Metadata with { Labels = second.Pods[0].Metadata.Labels } } : pod)] };
        yield return first with { Policies = [.. first.Policies.Skip(mix % 2), .. second.Policies.Take(mix % 3)
            .Select(policy => policy with { Metadata = policy.Metadata with { Name = "new-" + policy.Metadata.Name } })] };
        yield return first with { Namespaces = second.Namespaces };
        yield return second;
        yield return second with { Policies = [] };
        yield return second with { Pods = [] };
    }

    private static bool IsLocal(World world, string address) =>
        world.PodCidrs.Any(network => System.Net.IPNetwork.Parse(network).Contains(System.Net.IPAddress.Parse(address)));

    private static string Describe(World world) =>
        string.Join('\n', world.Pods.Select(pod => k8s.KubernetesJson.Serialize(pod))
            .Concat(world.Policies.Select(policy => k8s.KubernetesJson.Serialize(policy)))
            .Concat(world.Namespaces.Select(item => k8s.KubernetesJson.Serialize(item))));
}
