using CsCheck;
using Operos.Policy.Tests.Oracle;
using Operos.TestRun;

namespace Operos.Policy.Tests;

/// <summary>A hundred thousand clusters, each always the same, part by part.</summary>
[Trait("stage", "soak")]
public sealed class SoakTests
{
    private const int WorldsOfAPart = 200;

    [Fact(Explicit = true)]
    public void Compiled_rules_decide_as_the_specification_does_in_every_cluster_of_the_list()
    {
        var decided = 0L;
        Parallel.ForEach(SoakPart.Current.Seeds(WorldsOfAPart), new ParallelOptions { MaxDegreeOfParallelism = 2 }, seed =>
        {
            var world = Worlds.Any.Generate(new PCG((uint)seed, 1), null, out _);
            try { Interlocked.Add(ref decided, SemanticsTests.Decide(world).Count()); }
            catch (Xunit.Sdk.XunitException e) { throw new Xunit.Sdk.XunitException($"cluster {seed}: {e.Message}"); }
        });
        Assert.True(decided > 5_000, $"{decided} packets were decided");
    }
}
