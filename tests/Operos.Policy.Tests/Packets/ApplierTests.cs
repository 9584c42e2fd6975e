using CsCheck;
using Operos.Lab;
using Operos.Policy.Compiling;
using Operos.Policy.Nftables;
using Operos.Policy.Tests.Oracle;

namespace Operos.Policy.Tests.Packets;

/// <summary>The applier and the real nft and kernel, in a network namespace.</summary>
[Collection("packets")]
public sealed class ApplierTests() : NftNamespace("applier")
{
    [Fact]
    public async Task Each_step_of_a_random_cluster_is_taken_and_read_back_as_it_was_meant()
    {
        using var applier = Applier();
        Ruleset? before = null;
        var worlds = Worlds.Any.Array[2].Array[6].Generate(new PCG(1, 42), null, out _);
        foreach (var world in worlds.SelectMany(pair => SemanticsTests.Between(pair[0], pair[1], pair[0].Pods.Count * 7)))
        {
            var next = PolicyCompiler.Compile(world.View(), world.NodeView);
            var applied = await applier.ApplyAsync(next, default);
            // A text that nft refused would have become a replacement.
            Assert.Equal(before is null, applied.IsReplacement);
            using var successor = Applier();
            Assert.True(await successor.AdoptAsync(default));
            Assert.Equal(0, (await successor.ApplyAsync(next, default)).Bytes);
            before = next;
        }
    }

    [Fact]
    public async Task A_successor_takes_over_by_a_small_change()
    {
        var (first, second) = (Ruleset("b"), Ruleset("other"));
        using (var applier = Applier()) await applier.ApplyAsync(first, default);
        using var successor = Applier();
        Assert.True(await successor.AdoptAsync(default));
        var applied = await successor.ApplyAsync(second, default);
        Assert.True(!applied.IsReplacement && applied.Bytes is > 0 and < 300, $"{applied}");
    }

    [Theory]
    [InlineData("flush ruleset"), InlineData("flush table inet operos-policy"), InlineData("add chain inet operos-policy mine"),
        InlineData("add counter inet operos-policy mine"), InlineData("delete element inet operos-policy egress4 { 10.10.1.2 }")]
    public async Task What_somebody_else_did_to_the_table_is_repaired(string vandalism)
    {
        using var applier = Applier();
        await applier.ApplyAsync(Ruleset("b"), default);
        await NftAsync([.. vandalism.Split(' ')]);
        // Known by a look, as an enforcer takes now and then, or by a change that does not fit.
        using var looking = Applier();
        await looking.AdoptAsync(default);
        await looking.ApplyAsync(Ruleset("b"), default);
        using var check = Applier();
        Assert.True(await check.AdoptAsync(default));
        Assert.Equal(0, (await check.ApplyAsync(Ruleset("b"), default)).Bytes);
        Assert.DoesNotContain("mine", await NftAsync("list", "ruleset"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_change_that_does_not_fit_replaces_the_table()
    {
        using var applier = Applier();
        await applier.ApplyAsync(Ruleset("b"), default);
        await NftAsync("flush", "ruleset");
        Assert.True((await applier.ApplyAsync(Ruleset("other"), default)).IsReplacement);
        Assert.Contains("egress4", await NftAsync("list", "ruleset"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Other_tables_are_never_touched_and_removal_takes_ours_alone()
    {
        await NftAsync("add", "table", "inet", "theirs");
        using var applier = Applier();
        Assert.False(await applier.AdoptAsync(default));
        await applier.ApplyAsync(Ruleset("b"), default);
        await applier.RemoveAsync(default);
        var left = await NftAsync("list", "ruleset");
        Assert.Contains("theirs", left, StringComparison.Ordinal);
        Assert.DoesNotContain("operos", left, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failure_says_why_and_leaves_what_was_in_force()
    {
        using var applier = Applier();
        await applier.ApplyAsync(Ruleset("b"), default);
        var before = await NftAsync("list", "ruleset");
        using var missing = new RulesetApplier(["no-such-nft"]);
        Assert.Contains("nftables installed", (await Assert.ThrowsAsync<NftException>(
            () => missing.ApplyAsync(Ruleset("b"), default))).Message, StringComparison.Ordinal);
        using var failing = new RulesetApplier(["sh", "-c", "cat > /dev/null; echo no room >&2; exit 1"]);
        Assert.Contains("no room", (await Assert.ThrowsAsync<NftException>(() => failing.ApplyAsync(Ruleset("b"), default))).Message,
            StringComparison.Ordinal);
        using var hanging = new RulesetApplier(["sh", "-c", "sleep 60"], TimeSpan.FromMilliseconds(300));
        Assert.Contains("longer than", (await Assert.ThrowsAsync<NftException>(() => hanging.AdoptAsync(default))).Message,
            StringComparison.Ordinal);
        Assert.Equal(before, await NftAsync("list", "ruleset"));
    }

    private static Ruleset Ruleset(string app)
    {
        var world = new World(PodLab.Node, ["10.10.1.0/24"], [], [PodLab.Pod("a"), PodLab.Pod("b", app)],
            [Case.Policy("shop", Case.App("web"), ingress: [Case.In([Case.Pods(Case.App("b"))], Case.Port(80), Case.Port(90, end: 99))])]);
        return PolicyCompiler.Compile(world.View(), world.NodeView);
    }
}
