using Operos.Policy.Compiling;
using Operos.Policy.Tests.Oracle;

namespace Operos.Policy.Tests.Packets;

/// <summary>Real packets through real rules, case after case in one lab: each step is a transaction from the case before.</summary>
[Collection("packets")]
public sealed class ConformanceTests
{
    [Fact]
    public async Task Packets_pass_and_fail_as_each_case_says()
    {
        await using var lab = await PodLab.CreateAsync("policy-cases");
        using var applier = lab.Applier();
        var wrong = new List<string>();
        foreach (var item in Case.All)
        {
            var world = lab.World with { Policies = item.Policies };
            await applier.ApplyAsync(PolicyCompiler.Compile(world.View(), world.NodeView), default);
            wrong.AddRange((await Task.WhenAll(Expectations(lab, item, world).Select(async expectation =>
                await expectation.Key.TryAsync(lab, expectation.Value) == expectation.Value
                    ? null : $"{item.Name}: {expectation.Key} should be {(expectation.Value ? "allowed" : "denied")}"))).OfType<string>());
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong) + "\n" + await lab.NftAsync("list", "ruleset"));
    }

    private static Dictionary<Flow, bool> Expectations(PodLab lab, Case item, World world)
    {
        // The oracle does not read what is not valid.
        var all = item.Name == "hostile beside sound"
            ? [] : Flow.Common.ToDictionary(flow => flow, flow => KubernetesOracle.Allows(world, flow.ToPacket(lab)));
        foreach (var (allowed, flow) in item.Flows.Select(Flow.Parse))
        {
            Assert.True(!all.TryGetValue(flow, out var oracle) || oracle == allowed,
                $"{item.Name}: {flow}: the oracle disagrees with the case");
            all[flow] = allowed;
        }
        return all;
    }
}
